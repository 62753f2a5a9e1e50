// Following and unfollowing, whom or what it may be.

import type { ApolloCache } from '@apollo/client';
import { client } from '../client/client';
import { FollowDocument, TimelineDocument, UnfollowDocument } from '../generated/documents';
import { complain } from '../page/Notice';
import { go } from '../page/path';
import { session } from '../session';

export type Followable = {
  __typename: 'User' | 'Hashtag';
  id: string;
  followerCount: number;
  viewerIsFollowing: boolean;
};

export function toggleFollow({ __typename, id, followerCount, viewerIsFollowing }: Followable): void {
  if (!session()) return go('/log-in');
  const change = viewerIsFollowing ? -1 : 1;
  const target = { __typename, id, followerCount: followerCount + change, viewerIsFollowing: !viewerIsFollowing };
  const payload = { __typename: 'FollowPayload', target } as const;
  const variables = { id };
  const done = viewerIsFollowing
    ? client.mutate({ mutation: UnfollowDocument, variables, optimisticResponse: { unfollow: payload } })
    : client.mutate({ mutation: FollowDocument, variables, optimisticResponse: { follow: payload } });
  done.then(() => forgetTimeline(client.cache)).catch(complain);
}

/** What stands in the timeline has changed without an event: it is read anew. */
function forgetTimeline(cache: ApolloCache): void {
  const timeline = cache.readQuery({ query: TimelineDocument })?.viewer?.timeline;
  if (timeline) cache.evict({ id: cache.identify(timeline), fieldName: 'actions' });
}
