import { useMutation, useQuery } from '@apollo/client/react';
import { useEffect } from 'react';
import { MarkSeenDocument, NotificationsDocument } from '../generated/documents';
import type { NoticeFragment } from '../generated/documents';
import { Link } from '../page/Link';
import { More } from '../page/More';
import { Title } from '../page/Title';
import { Trouble } from '../page/Trouble';
import { Time } from '../text/Time';
import { tweetPath } from '../tweet/Tweet';
import { Avatar } from '../user/Avatar';

/** `/notifications` */
export function Notifications() {
  const { data, error, fetchMore, refetch } = useQuery(NotificationsDocument);
  const [markSeen] = useMutation(MarkSeenDocument);
  const feed = data?.viewer?.notifications;
  const unseen = feed?.unseenCount ?? 0;

  // What comes while one looks is read at once, and seen with that.
  useEffect(() => {
    if (unseen === 0) return;
    refetch()
      .then(() => markSeen())
      .catch(() => {}); // The number stays, and the next event tries again.
  }, [unseen, refetch, markSeen]);

  return (
    <section className="page">
      <Title title="Notifications" />
      {error && !feed && <Trouble error={error} retry={refetch} />}
      <ul className="rows" aria-busy={!feed && !error}>
        {feed?.groups.edges.map(({ node }) => <Group key={node.id} group={node} />)}
      </ul>
      {feed?.groups.edges.length === 0 && (
        <p className="empty">Mentions, replies, likes, retweets and new followers come here.</p>
      )}
      <More
        more={feed?.groups.pageInfo.hasNextPage ?? false}
        load={() => fetchMore({ variables: { after: feed?.groups.pageInfo.endCursor } })}
      />
    </section>
  );
}

function Group({ group }: { group: NoticeFragment }) {
  const { actors, object } = group;
  const [first] = actors;
  return (
    <li className={group.isSeen ? 'row notice-row' : 'row notice-row new'}>
      {first?.__typename === 'User' && <Avatar username={first.username} name={first.displayName} />}
      <div className="who">
        <p>
          <Names group={group} /> {deed(group.verb)}
          <span className="when">
            {' '}
            · <Time at={group.updatedAt} />
          </span>
        </p>
        {object?.__typename === 'Tweet' && (
          <Link to={tweetPath(object.id)} className="excerpt" dir="auto">
            {object.text}
          </Link>
        )}
      </div>
    </li>
  );
}

/** "Ada, Grace and 3 others" */
function Names({ group: { actors, actorCount } }: { group: NoticeFragment }) {
  const named = actors.flatMap((actor): { id: string; name: string; to: string | null }[] => {
    if (actor.__typename === 'User') return [{ id: actor.id, name: actor.displayName, to: `/user/${actor.username}` }];
    if (actor.__typename === 'ExternalObject') return [{ id: actor.id, name: actor.name, to: null }];
    return [];
  });
  const others = actorCount - named.length;
  const last = named.length - 1;
  return (
    <>
      {named.map(({ id, name, to }, index) => (
        <span key={id}>
          {index > 0 && (index === last && others <= 0 ? ' and ' : ', ')}
          {to ? (
            <Link to={to}>
              <bdi>{name}</bdi>
            </Link>
          ) : (
            <bdi>{name}</bdi>
          )}
        </span>
      ))}
      {others > 0 && ` and ${others === 1 ? 'one other' : `${others} others`}`}
    </>
  );
}

function deed(verb: string): string {
  switch (verb) {
    case 'like':
      return 'liked your tweet';
    case 'retweet':
      return 'retweeted your tweet';
    case 'follow':
      return 'followed you';
    case 'reply':
      return 'replied';
    case 'tweet':
      return 'mentioned you';
    default:
      return verb;
  }
}
