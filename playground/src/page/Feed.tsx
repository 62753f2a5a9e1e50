import { Children } from 'react';
import type { ReactNode } from 'react';

type Props = { label: string; busy?: boolean; children: ReactNode };

/** A list of tweets. One without a tweet is no feed to those who have it read to them. */
export function Feed({ label, busy = false, children }: Props) {
  const named = Children.count(children) > 0 ? { role: 'feed', 'aria-label': label } : {};
  return (
    <div className="list" aria-busy={busy} {...named}>
      {children}
    </div>
  );
}
