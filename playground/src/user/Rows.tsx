// Users and hashtags in lists.

import type { RowFragment, TagFragment } from '../generated/documents';
import { Link } from '../page/Link';
import { useSession } from '../session';
import { counted } from '../text/time';
import { Avatar } from './Avatar';
import { Follow } from './Follow';

export function UserRow({ user }: { user: RowFragment }) {
  const own = useSession()?.username === user.username;
  return (
    <li className="row">
      <Avatar username={user.username} name={user.displayName} />
      <Link to={`/user/${user.username}`} className="who">
        <bdi className="name">{user.displayName}</bdi> <bdi className="handle">{user.handle ?? `@${user.username}`}</bdi>
        {user.bio && (
          <span className="bio" dir="auto">
            {user.bio}
          </span>
        )}
      </Link>
      {!own && <Follow target={user} name={`@${user.username}`} />}
    </li>
  );
}

export function TagRow({ tag }: { tag: TagFragment }) {
  return (
    <li className="row">
      <span className="avatar tag" aria-hidden="true">
        #
      </span>
      <Link to={`/hashtag/${encodeURIComponent(tag.name)}`} className="who">
        <bdi className="name">#{tag.name}</bdi> <span className="handle">{counted(tag.tweetCount, 'tweet')}</span>
      </Link>
      <Follow target={tag} name={`#${tag.name}`} />
    </li>
  );
}
