// How many notifications have not been seen: the number at the bell, kept up by a stream.

import { useQuery } from '@apollo/client/react';
import { useStream } from '../client/useStream';
import { UnseenDocument, UnseenStreamDocument } from '../generated/documents';
import { useSession } from '../session';

export function useUnseen(): number {
  const signedIn = useSession() !== null;
  const { data, refetch, subscribeToMore } = useQuery(UnseenDocument, { skip: !signedIn, fetchPolicy: 'network-only' });
  const notifications = data?.viewer?.notifications;
  useStream(signedIn ? notifications?.slug : undefined, data?.unseenCursor, refetch, (variables, onError) =>
    subscribeToMore({
      document: UnseenStreamDocument,
      variables,
      // The event's feed is the one that stands in the cache: its count changes by itself.
      updateQuery: () => undefined,
      onError,
    }),
  );
  return signedIn ? (notifications?.unseenCount ?? 0) : 0;
}
