// How answers are kept: every object once under its id, every list as one, however many pages it
// came in.

import { InMemoryCache } from '@apollo/client';
import type { FieldReadFunction, Reference } from '@apollo/client';
import { relayStylePagination } from '@apollo/client/utilities';
import fragments from '../generated/fragments';

/** A tweet that is asked for by its id may be here already, from a list. */
const byId: FieldReadFunction = (existing: unknown, { args, toReference }) =>
  existing === undefined ? toReference({ __typename: 'Tweet', id: String(args?.id) }) : existing;

/** What refers to something deleted refers to nothing. */
const orNull: FieldReadFunction = (existing: Reference | null | undefined, { canRead }) =>
  existing === undefined || canRead(existing) ? existing : null;

export function newCache(): InMemoryCache {
  return new InMemoryCache({
    possibleTypes: fragments.possibleTypes,
    typePolicies: {
      Query: {
        fields: {
          tweets: relayStylePagination(['contains', 'author', 'hashtag']),
          tweet: byId,
          // A position belongs to the list that it was taken with, so each query has an alias for
          // its own: one that another query took later would skip events.
          eventCursor: { keyArgs: (_, { field }) => field?.alias?.value ?? 'eventCursor' },
        },
      },
      User: {
        fields: {
          tweets: relayStylePagination(),
          likes: relayStylePagination(),
          followers: relayStylePagination(['flag']),
          following: relayStylePagination(['flag']),
        },
      },
      Feed: {
        fields: {
          actions: relayStylePagination(['verbs']),
          groups: relayStylePagination(),
        },
      },
      Action: { fields: { object: orNull } },
      ActionGroup: { fields: { object: orNull } },
      Tweet: { fields: { replies: relayStylePagination(), inReplyTo: orNull } },
    },
  });
}
