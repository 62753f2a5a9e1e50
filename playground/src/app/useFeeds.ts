// The feeds of the page's user, hashtag or wall, for readers of news. The server writes them into the
// first page; this is for those that one goes to from there.

import { useEffect } from 'react';
import { FEEDS } from '../server';

const FORMS = [
  { type: 'application/rss+xml', title: 'RSS', ending: 'rss' },
  { type: 'application/atom+xml', title: 'Atom', ending: 'atom' },
  { type: 'application/feed+json', title: 'JSON Feed', ending: 'json' },
];

export function useFeeds(pathname: string): void {
  useEffect(() => {
    document.head.querySelectorAll('link[rel=alternate]').forEach((link) => link.remove());
    const [of] = /^\/(?:user|hashtag|wall)\/[^/]+/.exec(pathname) ?? [];
    if (!of || !FEEDS) return;
    for (const { type, title, ending } of FORMS) {
      document.head.append(Object.assign(document.createElement('link'), { rel: 'alternate', type, title, href: `${of}.${ending}` }));
    }
  }, [pathname]);
}
