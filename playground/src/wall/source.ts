// Where a wall's tweets come from. What a wall shows is not kept in Apollo's cache: it may hang for
// days, and its board lets old tweets go.

import { client } from '../client/client';
import { HashtagWallDocument, HashtagWallStreamDocument } from '../generated/documents';
import type { PostFragment } from '../generated/documents';
import type { Event } from './board';

export type Page = {
  posts: readonly PostFragment[];
  count: number;
  older: string | null;
  /** The position of the log at which the page was read. */
  cursor: string;
};

export type Listener = { hear(event: Event): void; end(error: unknown): void };

export type Source = {
  load(after?: string): Promise<Page>;
  /** Tells of everything after a position; the function it gives ends that. */
  listen(cursor: string, listener: Listener): () => void;
};

const fetchPolicy = 'no-cache';

export function hashtagSource(name: string, retweets: boolean): Source {
  return {
    async load(after) {
      const { data } = await client.query({ query: HashtagWallDocument, variables: { name, after }, fetchPolicy });
      if (!data) throw new Error('no answer');
      const { hashtag, eventCursor } = data;
      // Before its first use there is no hashtag, but it may be listened to.
      if (!hashtag) return { posts: [], count: 0, older: null, cursor: eventCursor };
      const { nodes, pageInfo } = hashtag.tweets;
      return { posts: nodes, count: hashtag.tweetCount, older: olderOf(pageInfo), cursor: eventCursor };
    },
    listen(after, { hear, end }) {
      const variables = { name, retweets, after };
      const subscription = client.subscribe({ query: HashtagWallStreamDocument, variables, fetchPolicy }).subscribe({
        next({ data, error }) {
          if (error) return end(error);
          if (!data) return;
          const { kind, tweetId, tweet, retweetedBy, hashtag } = data.hashtagStream;
          hear({ kind, tweetId, post: tweet, by: retweetedBy, count: hashtag?.tweetCount ?? null });
        },
        error: end,
        complete: () => end(null),
      });
      return () => subscription.unsubscribe();
    },
  };
}

function olderOf({ hasNextPage, endCursor }: { hasNextPage: boolean; endCursor: string | null }): string | null {
  return hasNextPage ? endCursor : null;
}
