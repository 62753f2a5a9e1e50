// Which page an address shows. The server answers each of these paths with the app.

import type { ReactNode } from 'react';
import { Settings } from '../account/Settings';
import { Welcome } from '../account/Welcome';
import { Notifications } from '../notification/Notifications';
import { match } from '../page/path';
import { Search } from '../search/Search';
import { Home } from '../timeline/Home';
import { Thread } from '../tweet/Thread';
import { isProfileList, Profile } from '../user/Profile';
import { EventWall } from '../wall/EventWall';
import { HashtagWall } from '../wall/HashtagWall';

type Found = Record<string, string>;

const EVERYBODY: [string, (found: Found) => ReactNode][] = [
  ['/search', () => <Search />],
  ['/tweet/:id', ({ id = '' }) => <Thread id={id} />],
  ['/user/:name', ({ name = '' }) => <Profile username={name} list="tweets" />],
  ['/user/:name/:list', ({ name = '', list = '' }) => isProfileList(list) && <Profile username={name} list={list} />],
  ['/hashtag/:name', ({ name = '' }) => <HashtagWall name={name} />],
  ['/wall/:slug', ({ slug = '' }) => <EventWall slug={slug} />],
];

const MEMBERS: typeof EVERYBODY = [
  ['/', () => <Home />],
  ['/log-in', () => <Home />],
  ['/sign-up', () => <Home />],
  ['/notifications', () => <Notifications />],
  ['/settings', () => <Settings />],
];

export function route(path: string, signedIn: boolean): ReactNode {
  for (const [pattern, page] of EVERYBODY) {
    const found = match(pattern, path);
    if (found) return page(found) || null;
  }
  for (const [pattern, page] of MEMBERS) {
    if (match(pattern, path)) return signedIn ? page({}) : <Welcome />;
  }
  return null;
}
