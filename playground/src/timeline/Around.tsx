import { useQuery } from '@apollo/client/react';
import { PublicTweetsDocument } from '../generated/documents';
import { TweetList } from '../tweet/TweetList';

/** What everybody writes, for those who look around. */
export function Around() {
  const { data, error, fetchMore } = useQuery(PublicTweetsDocument);
  // Where only members may read, there is nothing to see before one has logged in.
  if (error && !data) return null;
  return (
    <section className="around" aria-labelledby="around">
      <h2 id="around">Lately</h2>
      <TweetList
        label="Latest tweets"
        list={data?.tweets}
        load={(after) => fetchMore({ variables: { after } })}
        empty="Nobody has written anything yet. Be the first."
      />
    </section>
  );
}
