import { useQuery } from '@apollo/client/react';
import { ThreadDocument } from '../generated/documents';
import { Feed } from '../page/Feed';
import { Link } from '../page/Link';
import { More } from '../page/More';
import { Title } from '../page/Title';
import { Trouble } from '../page/Trouble';
import { useSession } from '../session';
import { Composer } from './Composer';
import { Gone, Tweet } from './Tweet';
import { post } from './write';

/** `/tweet/ID`: a tweet with what it answers and what answers it. */
export function Thread({ id }: { id: string }) {
  const session = useSession();
  const variables = { id: `Tweet:${id}` };
  const { data, error, loading, fetchMore, refetch } = useQuery(ThreadDocument, { variables });
  const tweet = data?.tweet;
  if (!tweet) {
    return (
      <section className="page">
        <Title title="Tweet" />
        {error ? <Trouble error={error} retry={refetch} /> : loading ? null : <Gone />}
      </section>
    );
  }
  if (tweet.author.viewerIsBlocking) {
    return (
      <section className="page">
        <Title title="Tweet" />
        <p className="empty">
          You have blocked <Link to={`/user/${tweet.author.username}`}>@{tweet.author.username}</Link>, who wrote this.
        </p>
      </section>
    );
  }
  const { edges, pageInfo } = tweet.replies;
  return (
    <section className="page">
      <Title title={`${tweet.author.displayName}: ${tweet.text.slice(0, 60)}`}>Tweet</Title>
      {tweet.inReplyTo && <Tweet tweet={tweet.inReplyTo} />}
      <Tweet tweet={tweet} large />
      {session && (
        <Composer
          label={`Reply to @${tweet.author.username}`}
          action="Reply"
          place={`thread:${tweet.id}`}
          send={(text, key) => post(text, tweet.id, key)}
        />
      )}
      <Feed label="Replies">
        {edges.map(({ node }) => (
          <Tweet key={node.id} tweet={node} />
        ))}
      </Feed>
      <More
        more={pageInfo.hasNextPage}
        load={() => fetchMore({ variables: { after: pageInfo.endCursor } })}
      />
    </section>
  );
}
