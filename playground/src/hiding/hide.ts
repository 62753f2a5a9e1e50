// Muting, blocking and banning. The cache knows it at once, and its lists leave out whom one hides
// (`client/cache.ts`); the server's refusal takes it back.

import type { ApolloCache } from '@apollo/client';
import { client } from '../client/client';
import {
  BanDocument,
  BlockDocument,
  MuteDocument,
  TimelineDocument,
  UnbanDocument,
  UnblockDocument,
  UnmuteDocument,
  UnseenDocument,
} from '../generated/documents';
import type { StandingFragment } from '../generated/documents';
import { complain, notify } from '../page/Notice';
import { tellHidden } from './heard';

/** What each changes, how it is told, and whether it has things there again. */
const DEEDS = {
  mute: { mutation: MuteDocument, outcome: { viewerIsMuting: true }, told: 'is muted', back: false },
  unmute: { mutation: UnmuteDocument, outcome: { viewerIsMuting: false }, told: 'is muted no longer', back: true },
  block: { mutation: BlockDocument, outcome: { viewerIsBlocking: true }, told: 'is blocked', back: false },
  unblock: { mutation: UnblockDocument, outcome: { viewerIsBlocking: false }, told: 'is blocked no longer', back: true },
  ban: { mutation: BanDocument, outcome: { isBanned: true }, told: 'is banned', back: false },
  unban: { mutation: UnbanDocument, outcome: { isBanned: false }, told: 'is banned no longer', back: true },
};

export type Deed = keyof typeof DEEDS;

/** Does it; the reason of a ban is kept with it. */
export function hide(deed: Deed, user: StandingFragment, reason?: string): void {
  const { mutation, outcome, told, back } = DEEDS[deed];
  const { id, username, viewerIsMuting, viewerIsBlocking, isBanned } = user;
  const standing = { __typename: 'User', id, username, viewerIsMuting, viewerIsBlocking, isBanned } as const;
  const change = { __typename: 'UserPayload', user: { ...standing, ...outcome } } as const;
  client
    .mutate({
      mutation,
      variables: { id, ...(reason && { reason }) },
      optimisticResponse: { change },
      update: (cache) => deed === 'block' && part(cache, id),
    })
    .then(() => {
      notify(`@${username} ${told}.`);
      if (!back) tellHidden(id);
      return back ? reread() : client.refetchQueries({ include: [UnseenDocument] });
    })
    .catch(complain);
}

/** A block ends follows both ways. */
function part(cache: ApolloCache, id: string): void {
  const fields = { viewerIsFollowing: () => false, followsViewer: () => false };
  cache.modify({ id: cache.identify({ __typename: 'User', id }), fields });
}

/** Lists that were read meanwhile lack what is there again. */
function reread(): Promise<unknown> {
  const timeline = client.cache.readQuery({ query: TimelineDocument })?.viewer?.timeline;
  const shown = [...client.getObservableQueries()].some(({ queryName }) => queryName === 'Timeline');
  if (timeline && !shown) client.cache.evict({ id: client.cache.identify(timeline), fieldName: 'actions' });
  return client.refetchQueries({ include: 'active' });
}
