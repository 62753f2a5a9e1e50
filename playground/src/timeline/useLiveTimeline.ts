// The home timeline: a page, then what happens from the moment it was taken on.

import { useQuery } from '@apollo/client/react';
import { useStream } from '../client/useStream';
import { TimelineDocument, TimelineStreamDocument } from '../generated/documents';
import type { TimelineQuery, TimelineStreamSubscription } from '../generated/documents';

type Event = TimelineStreamSubscription['feedStream'];

/** What the page shows after an event. One that has been heard already changes nothing. */
function after(data: TimelineQuery, { kind, actionId, action, cursor }: Event): TimelineQuery {
  const timeline = data.viewer?.timeline;
  if (!data.viewer || !timeline) return data;
  let { edges } = timeline.actions;
  const known = edges.some(({ node }) => node.id === actionId);
  if (kind === 'REMOVED') edges = edges.filter(({ node }) => node.id !== actionId);
  else if (!known && action && 'createdAt' in action && isPosting(action.verb)) {
    edges = [{ __typename: 'ActionEdge', node: action }, ...edges];
  }
  const actions = { ...timeline.actions, edges };
  return { ...data, timelineCursor: cursor, viewer: { ...data.viewer, timeline: { ...timeline, actions } } };
}

const isPosting = (verb: string) => verb === 'tweet' || verb === 'reply' || verb === 'retweet';

export function useLiveTimeline() {
  const { data, error, fetchMore, refetch, subscribeToMore } = useQuery(TimelineDocument, {
    fetchPolicy: 'cache-first',
  });
  const timeline = data?.viewer?.timeline;
  useStream(timeline?.slug, data?.timelineCursor, refetch, (variables, onError) =>
    subscribeToMore({
      document: TimelineStreamDocument,
      variables,
      updateQuery: (_, { subscriptionData, previousData, complete }) =>
        complete ? after(previousData as TimelineQuery, subscriptionData.data.feedStream) : undefined,
      onError,
    }),
  );

  const more = () =>
    fetchMore({ variables: { after: timeline?.actions.pageInfo.endCursor, older: true } });
  return { timeline, error, more, refetch };
}
