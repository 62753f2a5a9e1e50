import type { ReactNode } from 'react';

/** A link to somewhere else, where its address is one of the web. */
export function Outside({ to, children }: { to: string; children: ReactNode }) {
  if (!/^https?:\/\//i.test(to)) return children;
  return (
    <a href={to} target="_blank" rel="noopener noreferrer nofollow ugc">
      {children}
    </a>
  );
}
