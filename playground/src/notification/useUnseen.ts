// How many notifications have not been seen: the number at the bell, kept up by a stream.

import { useQuery } from '@apollo/client/react';
import { useEffect, useRef, useState } from 'react';
import { problemOf } from '../client/error';
import { UnseenDocument, UnseenStreamDocument } from '../generated/documents';
import { useSession } from '../session';

export function useUnseen(): number {
  const signedIn = useSession() !== null;
  const { data, refetch, subscribeToMore } = useQuery(UnseenDocument, { skip: !signedIn, fetchPolicy: 'network-only' });
  const notifications = data?.viewer?.notifications;
  const slug = signedIn ? notifications?.slug : undefined;
  const position = useRef<string>(undefined);
  position.current = data?.unseenCursor;
  const [round, setRound] = useState(0);

  useEffect(() => {
    if (!slug) return undefined;
    return subscribeToMore({
      document: UnseenStreamDocument,
      variables: { slug, after: position.current },
      // The event's feed is the one that stands in the cache: its count changes by itself.
      updateQuery: () => undefined,
      onError(error) {
        if (problemOf(error).code === 'CURSOR_EXPIRED') void refetch().then(() => setRound((last) => last + 1));
      },
    });
  }, [slug, round, subscribeToMore, refetch]);

  return signedIn ? (notifications?.unseenCount ?? 0) : 0;
}
