import { useQuery } from '@apollo/client/react';
import { ProfileDocument } from '../generated/documents';
import type { PersonFragment, ProfileQuery, StandingFragment } from '../generated/documents';
import { hide } from '../hiding/hide';
import { HideMenu } from '../hiding/HideMenu';
import { useBlocked } from '../hiding/useBlocked';
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
  const { blocked, looking } = useBlocked(username, data?.user === null);
  const List = LISTS[list];
  const hidden = data?.user?.viewerIsBlocking ? data.user : blocked;
  if (hidden) return <Blocked user={hidden} />;
  if (!data?.user) {
    return (
      <section className="page">
        <Title title={`@${username}`} />
        {error ? <Trouble error={error} retry={refetch} /> : !loading && !looking && <p className="empty">Nobody has this name.</p>}
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

/** Of whom one blocks there is nothing to see but that. */
function Blocked({ user }: { user: PersonFragment & StandingFragment }) {
  const name = `@${user.username}`;
  return (
    <section className="page">
      <header className="profile">
        <Avatar username={user.username} name={user.displayName} />
        <div className="profile-tools">
          <HideMenu user={user} className="follow dots" />
          {!user.isBanned && (
            <button type="button" className="follow" aria-label={`Unblock ${name}`} onClick={() => hide('unblock', user)}>
              Unblock
            </button>
          )}
        </div>
        <Title title={user.displayName}>
          <bdi>{user.displayName}</bdi>
        </Title>
        <p className="handle">
          <bdi>{user.handle ?? name}</bdi>
          <span className="badge warning">Blocked</span>
        </p>
      </header>
      <p className="empty">
        You have blocked {name}. You see nothing of them, and neither of you can follow, mention or answer the other.
      </p>
    </section>
  );
}

function Head({ user }: { user: NonNullable<ProfileQuery['user']> }) {
  const own = useSession()?.username === user.username;
  return (
    <header className="profile">
      <Avatar username={user.username} name={user.displayName} />
      <div className="profile-tools">
        <HideMenu user={user} className="follow dots" />
        {own && (
          <Link to="/settings" className="follow">
            Edit
          </Link>
        )}
        {!own && !user.isBanned && <Follow target={user} name={`@${user.username}`} />}
      </div>
      <Title title={user.displayName}>
        <bdi>{user.displayName}</bdi>
      </Title>
      <p className="handle">
        <bdi>{user.handle ?? `@${user.username}`}</bdi>
        {user.isModerator && <span className="badge">Moderator</span>}
        {user.followsViewer && <span className="badge">Follows you</span>}
        {user.viewerIsMuting && <span className="badge">Muted</span>}
        {user.isBanned && <span className="badge warning">Banned</span>}
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
      {user.isBanned && <p className="standing">{`@${user.username}`} is banned. Only moderators see this profile.</p>}
      {user.viewerIsMuting && (
        <p className="standing">You have muted {`@${user.username}`}: your home, notifications and live walls leave them out.</p>
      )}
    </header>
  );
}
