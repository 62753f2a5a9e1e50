import { ApolloClient } from '@apollo/client';
import { onSession, session } from '../session';
import { newCache } from './cache';
import { link } from './link';

export const client = new ApolloClient({
  link,
  cache: newCache(),
  defaultOptions: {
    watchQuery: {
      fetchPolicy: 'cache-and-network',
      nextFetchPolicy: 'cache-first',
      // A list that is read anew joins what was read below (`cache.ts`).
      refetchWritePolicy: 'merge',
    },
  },
});

// What one viewer saw is not for the next one.
let viewer = session()?.username ?? null;
onSession(() => {
  const next = session()?.username ?? null;
  if (next === viewer) return;
  viewer = next;
  void client.resetStore().catch(() => {});
});
