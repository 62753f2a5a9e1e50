import type { EntryFragment } from '../generated/documents';
import { Feed } from '../page/Feed';
import { Link } from '../page/Link';
import { More } from '../page/More';
import { Title } from '../page/Title';
import { Trouble } from '../page/Trouble';
import { Composer } from '../tweet/Composer';
import { Tweet } from '../tweet/Tweet';
import { post } from '../tweet/write';
import { Newer } from './Newer';
import { useHeld } from './useHeld';
import { useLiveTimeline } from './useLiveTimeline';

/** `/` for one who is signed in. */
export function Home() {
  const { timeline, error, more, refetch } = useLiveTimeline();
  const entries = once((timeline?.actions.edges ?? []).map(({ node }) => node));
  const { visible, waiting } = useHeld(entries, ({ id }) => id);
  return (
    <section className="page">
      <Title title="Home" />
      <Composer label="What is happening?" action="Post" place="home" send={(text, key) => post(text, undefined, key)} />
      {error && !timeline && <Trouble error={error} retry={refetch} />}
      <Newer count={waiting} />
      <Feed label="Timeline" busy={!timeline && !error}>
        {visible.map((entry) => (
          <Entry key={entry.id} entry={entry} />
        ))}
      </Feed>
      {timeline && entries.length === 0 && (
        <p className="empty">
          Here stands what those whom you follow write. <Link to="/search">Find people and hashtags</Link> to follow.
        </p>
      )}
      <More more={timeline?.actions.pageInfo.hasNextPage ?? false} load={more} />
    </section>
  );
}

/** Each tweet once, where it came up last. */
function once(entries: EntryFragment[]): EntryFragment[] {
  const seen = new Set<string>();
  return entries.filter(({ object }) => {
    if (object?.__typename !== 'Tweet' || seen.has(object.id)) return false;
    seen.add(object.id);
    return true;
  });
}

function Entry({ entry: { verb, actor, object } }: { entry: EntryFragment }) {
  if (object?.__typename !== 'Tweet') return null;
  const by = verb === 'retweet' && actor.__typename === 'User' ? actor : null;
  const reason = by && (
    <>
      <Link to={`/user/${by.username}`}>
        <bdi>{by.displayName}</bdi>
      </Link>{' '}
      retweeted
    </>
  );
  return <Tweet tweet={object} reason={reason} />;
}
