import { useQuery } from '@apollo/client/react';
import { ProfileDocument } from '../generated/documents';
import type { ProfileQuery } from '../generated/documents';
import { Link, NavLink } from '../page/Link';
import { Outside } from '../page/Outside';
import { Title } from '../page/Title';
import { Trouble } from '../page/Trouble';
import { useSession } from '../session';
import { counted, monthOf, shortNumber } from '../text/time';
import { Avatar } from './Avatar';
import { Follow } from './Follow';
import { Followers, Following, Likes, Tweets } from './ProfileLists';

const LISTS = { tweets: Tweets, likes: Likes, followers: Followers, following: Following };
export type ProfileList = keyof typeof LISTS;
export const isProfileList = (name: string): name is ProfileList => name in LISTS;

/** `/user/NAME` and `/user/NAME/LIST`. */
export function Profile({ username, list }: { username: string; list: ProfileList }) {
  const { data, error, loading, refetch } = useQuery(ProfileDocument, { variables: { username } });
  const List = LISTS[list];
  if (!data?.user) {
    return (
      <section className="page">
        <Title title={`@${username}`} />
        {error ? <Trouble error={error} retry={refetch} /> : !loading && <p className="empty">Nobody has this name.</p>}
      </section>
    );
  }
  return (
    <section className="page">
      <Head user={data.user} />
      <nav className="tabs" aria-label="Lists of the profile">
        <NavLink to={`/user/${username}`}>Tweets</NavLink>
        <NavLink to={`/user/${username}/likes`}>Likes</NavLink>
        <NavLink to={`/user/${username}/followers`}>Followers</NavLink>
        <NavLink to={`/user/${username}/following`}>Following</NavLink>
      </nav>
      <List username={username} />
    </section>
  );
}

function Head({ user }: { user: NonNullable<ProfileQuery['user']> }) {
  const own = useSession()?.username === user.username;
  return (
    <header className="profile">
      <Avatar username={user.username} name={user.displayName} />
      {own ? (
        <Link to="/settings" className="follow">
          Edit
        </Link>
      ) : (
        <Follow target={user} name={`@${user.username}`} />
      )}
      <Title title={user.displayName}>
        <bdi>{user.displayName}</bdi>
      </Title>
      <p className="handle">
        <bdi>{user.handle ?? `@${user.username}`}</bdi>
        {user.isModerator && <span className="badge">Moderator</span>}
        {user.followsViewer && <span className="badge">Follows you</span>}
      </p>
      {user.bio && (
        <p className="bio" dir="auto">
          {user.bio}
        </p>
      )}
      <p className="facts">
        <span>{counted(user.tweetCount, 'tweet')}</span>
        <span>{counted(user.followerCount, 'follower')}</span>
        <span>{shortNumber(user.followingCount)} following</span>
        <span>Since {monthOf(user.createdAt)}</span>
        {user.url && <Outside to={user.url}>Profile at the origin</Outside>}
      </p>
    </header>
  );
}
