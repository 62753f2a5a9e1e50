import { useQuery } from '@apollo/client/react';
import { useEffect } from 'react';
import { BlockedUsersDocument } from '../generated/documents';
import { useSession } from '../session';

/** Somebody whom the viewer blocks: the server shows them only in the list of those. */
export function useBlocked(username: string, wanted: boolean) {
  const signedIn = useSession() !== null;
  const { data, loading, fetchMore } = useQuery(BlockedUsersDocument, {
    variables: { first: 100 },
    skip: !wanted || !signedIn,
  });
  const name = username.toLowerCase();
  const blocked = data?.list.edges.find(({ node }) => node.username.toLowerCase() === name)?.node;
  const { hasNextPage = false, endCursor } = data?.list.pageInfo ?? {};
  const more = hasNextPage && !blocked;
  useEffect(() => {
    // What can't be looked up is as if it were not there.
    if (more) fetchMore({ variables: { after: endCursor } }).catch(() => {});
  }, [more, endCursor, fetchMore]);
  return { blocked, looking: loading || more };
}
