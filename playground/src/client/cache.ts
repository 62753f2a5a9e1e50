// How answers are kept: every object once under its id, every list as one, however many pages it
// came in. Lists leave out whom the viewer hides, the moment they do, and have them again after.

import { InMemoryCache } from '@apollo/client';
import type { FieldFunctionOptions, FieldMergeFunction, FieldPolicy, FieldReadFunction, Reference } from '@apollo/client';
import { relayStylePagination } from '@apollo/client/utilities';
import fragments from '../generated/fragments';

/** A tweet that is asked for by its id may be here already, from a list. */
const byId: FieldReadFunction = (existing: unknown, { args, toReference }) =>
  existing === undefined ? toReference({ __typename: 'Tweet', id: String(args?.id) }) : existing;

/** What refers to something deleted refers to nothing, and so does what refers to somebody blocked. */
const orNull: FieldReadFunction = (existing: Reference | null | undefined, { canRead, readField }) =>
  existing === undefined || (existing && canRead(existing) && !isBlocked(existing, readField)) ? existing : null;

type List = { edges: { node: Reference }[]; pageInfo: { hasNextPage: boolean; endCursor: string | null } };
type Read = FieldFunctionOptions['readField'];
type Hides = (node: Reference | undefined, read: Read) => boolean;

/** Whether somebody is marked who wrote a tweet, did something, wrote what it was done to, or is a user. */
function marked(mark: string): Hides {
  return (node, read) => {
    const object = read<Reference>('object', node);
    const people = [node, read<Reference>('author', node), read<Reference>('actor', node), read<Reference>('author', object)];
    return people.some((person) => person && read(mark, person) === true);
  };
}

const isBlocked = marked('viewerIsBlocking');
const isMuted = marked('viewerIsMuting');
/** Home and notifications leave out both. */
const isHidden: Hides = (node, read) => isBlocked(node, read) || isMuted(node, read);
const hasNobody: Hides = (group, read) => {
  const actors = read({ fieldName: 'actors', args: { first: 3 }, from: group }) as readonly Reference[] | undefined;
  return actors?.every((actor) => isHidden(actor, read)) ?? false;
};

/** A list in pages; the arguments that make another list of it are its key. */
function pages(keyArgs: string[] | false = false, hides: Hides = isBlocked): FieldPolicy {
  const list = relayStylePagination(keyArgs);
  const merge = list.merge as FieldMergeFunction<List, Partial<List>>;
  return {
    ...list,
    merge: (existing, incoming, options) => joined(existing, merge(existing, incoming, options), options),
    read(existing, options) {
      const page = list.read?.(existing, options);
      if (!page) return page;
      const { readField } = options;
      const edges = page.edges?.filter((edge) => !hides(readField<Reference>('node', edge), readField));
      return { ...page, edges };
    },
  };
}

/**
 * A first page that is read anew takes the place of what it has again, and what was read below that stays: who reads
 * there is not thrown back. Where the two no longer meet, the list begins anew.
 */
function joined(before: List | undefined, now: List, { args }: FieldFunctionOptions): List {
  const end = now.edges.at(-1);
  if (args?.after || !before || !end) return now;
  const again = new Set(now.edges.map(refOf));
  const at = before.edges.findIndex((edge) => refOf(edge) === refOf(end));
  const below = before.edges.slice(at + 1).filter((edge) => !again.has(refOf(edge)));
  if (at < 0 || below.length === 0) return now;
  const { hasNextPage, endCursor } = before.pageInfo;
  return { ...now, edges: [...now.edges, ...below], pageInfo: { ...now.pageInfo, hasNextPage, endCursor } };
}

const refOf = ({ node }: { node: Reference }) => node.__ref;

/** Those with a mark: whom one takes it from goes. */
const only = (mark: string) => pages(false, (node, read) => read(mark, node) === false);

export function newCache(): InMemoryCache {
  return new InMemoryCache({
    possibleTypes: fragments.possibleTypes,
    typePolicies: {
      Query: {
        fields: {
          tweets: pages(['contains', 'author', 'hashtag']),
          users: pages(['contains']),
          blockedUsers: only('viewerIsBlocking'),
          mutedUsers: only('viewerIsMuting'),
          bannedUsers: only('isBanned'),
          // It has everybody, whomever one hides.
          moderationLog: relayStylePagination(['userId']),
          tweet: byId,
          // A position belongs to the list that it was taken with, so each query has an alias for
          // its own: one that another query took later would skip events.
          eventCursor: { keyArgs: (_, { field }) => field?.alias?.value ?? 'eventCursor' },
        },
      },
      User: {
        fields: {
          tweets: pages(),
          likes: pages(),
          followers: pages(['flag']),
          following: pages(['flag']),
        },
      },
      Feed: {
        fields: {
          // A stream keeps these up: what it takes out is not to be put in again.
          actions: { ...pages(['verbs'], isHidden), merge: relayStylePagination().merge },
          groups: pages(false, hasNobody),
        },
      },
      Action: { fields: { object: orNull } },
      ActionGroup: { fields: { object: orNull } },
      Tweet: { fields: { replies: pages(), inReplyTo: orNull } },
    },
  });
}
