// Where a wall's tweets come from. What a wall shows is not kept in Apollo's cache: it may hang for
// days, and its board lets old tweets go.

import type { ApolloClient, Observable } from '@apollo/client';
import { client } from '../client/client';
import { Absent } from '../client/error';
import {
  HashtagTopsDocument,
  HashtagWallDocument,
  HashtagWallStreamDocument,
  WallDocument,
  WallStreamDocument,
  WallTopsDocument,
} from '../generated/documents';
import type {
  ListedFragment,
  PersonFragment,
  PostFragment,
  StandingFragment,
  TopFragment,
  TweetEventKind,
} from '../generated/documents';
import type { Card, Event } from './board';

export type Page = {
  cards: readonly Card[];
  count: number;
  older: string | null;
  /** The position of the log at which the page was read. */
  cursor: string;
};

export type Listener = { hear(event: Event): void; end(error: unknown): void };

/** Who writes most and what is retweeted most. */
export type Tops = { users: readonly TopFragment[]; tweets: readonly PostFragment[] };

export type Source = {
  load(after?: string): Promise<Page>;
  tops(): Promise<Tops>;
  /** Tells of everything after a position; the function it gives ends that. */
  listen(cursor: string, listener: Listener): () => void;
};

const fetchPolicy = 'no-cache';

export function hashtagSource(name: string, retweets: boolean): Source {
  return {
    async load(after) {
      const { data } = await client.query({ query: HashtagWallDocument, variables: { name, retweets, after }, fetchPolicy });
      if (!data) throw new Error('no answer');
      const { hashtag, eventCursor } = data;
      // Before its first use there is no hashtag, but it may be listened to.
      if (!hashtag) return { cards: [], count: 0, older: null, cursor: eventCursor };
      const { nodes, pageInfo } = hashtag.tweets;
      return { cards: cardsOf(nodes), count: hashtag.tweetCount, older: olderOf(pageInfo), cursor: eventCursor };
    },
    async tops() {
      const { data } = await client.query({ query: HashtagTopsDocument, variables: { name }, fetchPolicy });
      return { users: data?.hashtag?.topUsers ?? [], tweets: data?.hashtag?.topTweets ?? [] };
    },
    listen(after, listener) {
      const variables = { name, retweets, after };
      return follow(client.subscribe({ query: HashtagWallStreamDocument, variables, fetchPolicy }), listener, (data) =>
        eventOf(data.hashtagStream, data.hashtagStream.hashtag),
      );
    },
  };
}

export function wallSource(slug: string, retweets: boolean): Source {
  return {
    async load(after) {
      const { data } = await client.query({ query: WallDocument, variables: { slug, retweets, after }, fetchPolicy });
      if (!data?.wall) throw new Absent('There is no such wall.');
      const { nodes, pageInfo } = data.wall.tweets;
      return { cards: cardsOf(nodes), count: data.wall.tweetCount, older: olderOf(pageInfo), cursor: data.eventCursor };
    },
    async tops() {
      const { data } = await client.query({ query: WallTopsDocument, variables: { slug }, fetchPolicy });
      return { users: data?.wall?.topUsers ?? [], tweets: data?.wall?.topTweets ?? [] };
    },
    listen(after, listener) {
      const variables = { slug, retweets, after };
      return follow(client.subscribe({ query: WallStreamDocument, variables, fetchPolicy }), listener, (data) =>
        eventOf(data.wallStream, data.wallStream.wall),
      );
    },
  };
}

/**
 * A page's tweets, with who retweeted them last, as the live events would show them: those leave out
 * whom the viewer mutes, and moderators too are told nothing of the banned.
 */
function cardsOf(posts: readonly ListedFragment[]): Card[] {
  const shows = ({ isBanned, viewerIsMuting }: StandingFragment) => !isBanned && !viewerIsMuting;
  return posts
    .filter(({ author }) => shows(author))
    .map(({ retweeters, ...post }) => ({ post, by: retweeters?.nodes.find(shows) ?? null }));
}

type Told = {
  kind: TweetEventKind;
  tweetId: string;
  tweet: PostFragment | null;
  retweetedBy: PersonFragment | null;
};

function eventOf({ kind, tweetId, tweet, retweetedBy }: Told, owner: { tweetCount: number } | null): Event {
  return { kind, tweetId, post: tweet, by: retweetedBy, count: owner?.tweetCount ?? null };
}

function follow<Data>(
  stream: Observable<ApolloClient.SubscribeResult<Data>>,
  { hear, end }: Listener,
  event: (data: Data) => Event,
): () => void {
  const subscription = stream.subscribe({
    next({ data, error }) {
      if (error) end(error);
      else if (data) hear(event(data as Data));
    },
    error: end,
    complete: () => end(new Absent('This wall is closed.')),
  });
  return () => subscription.unsubscribe();
}

function olderOf({ hasNextPage, endCursor }: { hasNextPage: boolean; endCursor: string | null }): string | null {
  return hasNextPage ? endCursor : null;
}
