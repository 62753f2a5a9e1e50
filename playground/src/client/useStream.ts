import { useEffect, useRef, useState } from 'react';
import { problemOf } from './error';

type Position = { slug: string; after: string | undefined };
type Open = (position: Position, onError: (error: unknown) => void) => () => void;

/**
 * Keeps what a query shows up with a feed's stream, from the query's own cursor on. What is older
 * than the log goes back is read anew.
 */
export function useStream(slug: string | undefined, cursor: string | undefined, refetch: () => Promise<unknown>, open: Open) {
  const latest = useRef({ cursor, open });
  latest.current = { cursor, open };
  const [round, setRound] = useState(0);
  useEffect(() => {
    if (!slug) return undefined;
    const { cursor: after, open } = latest.current;
    return open({ slug, after }, (error) => {
      if (problemOf(error).code === 'CURSOR_EXPIRED') void refetch().then(() => setRound((last) => last + 1));
    });
  }, [slug, round, refetch]);
}
