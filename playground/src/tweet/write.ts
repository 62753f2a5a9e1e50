// Posting, editing and deleting, and what the cache has to hear of it.

import type { ApolloCache, Reference } from '@apollo/client';
import { client } from '../client/client';
import { DeleteDocument, EditDocument, PostDocument, TimelineDocument } from '../generated/documents';
import type { CardFragment } from '../generated/documents';
import { complain } from '../page/Notice';

/** Posts; repeated with the same key, nothing is posted twice. */
export async function post(text: string, inReplyTo: string | undefined, idempotencyKey: string): Promise<CardFragment> {
  const { data } = await client.mutate({
    mutation: PostDocument,
    variables: { input: { text, inReplyTo, idempotencyKey } },
    update(cache, { data }) {
      if (!data) return;
      const { tweet } = data.postTweet;
      const author = cache.identify(tweet.author);
      if (author) enter(cache, author, 'tweets', tweet, 'first');
      if (inReplyTo) answer(cache, inReplyTo, tweet);
      else showAtHome(cache, tweet);
    },
  });
  if (!data) throw new Error('no answer');
  return data.postTweet.tweet;
}

export async function edit(id: string, text: string): Promise<void> {
  await client.mutate({ mutation: EditDocument, variables: { input: { id, text } } });
}

export function remove(id: string): void {
  client
    .mutate({
      mutation: DeleteDocument,
      variables: { input: { id } },
      optimisticResponse: { deleteTweet: { __typename: 'DeleteTweetPayload', deletedId: id } },
      update(cache) {
        cache.evict({ id: cache.identify({ __typename: 'Tweet', id }) });
      },
    })
    .catch(complain);
}

type Connection = { edges: readonly { __typename: string; node: Reference }[] };

/** Puts a tweet at an end of a list that is already here. */
function enter(cache: ApolloCache, owner: string, field: string, tweet: CardFragment, end: 'first' | 'last'): void {
  cache.modify({
    id: owner,
    fields: {
      [field]: (list: Connection | Reference | undefined, { toReference, readField }) => {
        const node = toReference(tweet);
        if (!list || !('edges' in list) || !node) return list;
        if (list.edges.some((edge) => readField('id', edge.node) === tweet.id)) return list;
        const edge = { __typename: 'TweetEdge', node };
        return { ...list, edges: end === 'first' ? [edge, ...list.edges] : [...list.edges, edge] };
      },
    },
  });
}

function answer(cache: ApolloCache, parent: string, tweet: CardFragment): void {
  const id = cache.identify({ __typename: 'Tweet', id: parent });
  if (!id) return;
  enter(cache, id, 'replies', tweet, 'last');
  cache.modify({ id, fields: { replyCount: (count: number) => count + 1 } });
}

/** A timeline tells what others did; what one has just posted stands there until it is read anew. */
function showAtHome(cache: ApolloCache, tweet: CardFragment): void {
  cache.updateQuery({ query: TimelineDocument }, (data) => {
    const timeline = data?.viewer?.timeline;
    if (!data?.viewer || !timeline) return undefined;
    const { id, createdAt, author } = tweet;
    const node = { __typename: 'Action', id: `own:${id}`, verb: 'tweet', createdAt, actor: author, object: tweet } as const;
    const edges = [{ __typename: 'ActionEdge' as const, node }, ...timeline.actions.edges];
    return { ...data, viewer: { ...data.viewer, timeline: { ...timeline, actions: { ...timeline.actions, edges } } } };
  });
}
