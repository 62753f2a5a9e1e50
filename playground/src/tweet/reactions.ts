// Liking and retweeting. The page shows the outcome at once; the server's answer, or its refusal,
// takes its place.

import { client } from '../client/client';
import { LikeDocument, RetweetDocument, UndoRetweetDocument, UnlikeDocument } from '../generated/documents';
import type { CardFragment } from '../generated/documents';
import { complain } from '../page/Notice';

export function toggleLike({ id, likeCount, viewerHasLiked }: CardFragment): void {
  const variables = { id };
  const change = viewerHasLiked ? -1 : 1;
  const tweet = { __typename: 'Tweet', id, likeCount: likeCount + change, viewerHasLiked: !viewerHasLiked } as const;
  const payload = { __typename: 'TweetPayload', tweet } as const;
  const done = viewerHasLiked
    ? client.mutate({ mutation: UnlikeDocument, variables, optimisticResponse: { unlikeTweet: payload } })
    : client.mutate({ mutation: LikeDocument, variables, optimisticResponse: { likeTweet: payload } });
  done.catch(complain);
}

export function toggleRetweet({ id, retweetCount, viewerHasRetweeted }: CardFragment): void {
  const variables = { id };
  const change = viewerHasRetweeted ? -1 : 1;
  const tweet = {
    __typename: 'Tweet',
    id,
    retweetCount: retweetCount + change,
    viewerHasRetweeted: !viewerHasRetweeted,
  } as const;
  const payload = { __typename: 'TweetPayload', tweet } as const;
  const done = viewerHasRetweeted
    ? client.mutate({ mutation: UndoRetweetDocument, variables, optimisticResponse: { undoRetweet: payload } })
    : client.mutate({ mutation: RetweetDocument, variables, optimisticResponse: { retweet: payload } });
  done.catch(complain);
}
