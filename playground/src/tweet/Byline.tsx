import type { ReactNode } from 'react';
import type { PersonFragment } from '../generated/documents';
import { Link } from '../page/Link';
import { Time } from '../text/Time';
import { Avatar } from '../user/Avatar';

type Props = { author: PersonFragment; at: string; edited: boolean; to: string; children?: ReactNode };

/** Who wrote it, and when. */
export function Byline({ author, at, edited, to, children }: Props) {
  const { username, displayName, handle } = author;
  return (
    <header className="byline">
      <Avatar username={username} name={displayName} />
      <Link to={`/user/${username}`} className="who">
        <bdi className="name">{displayName}</bdi> <bdi className="handle">{handle ?? `@${username}`}</bdi>
      </Link>
      <Link to={to} className="when">
        <Time at={at} />
        {edited && <span className="edited"> · edited</span>}
      </Link>
      {children}
    </header>
  );
}
