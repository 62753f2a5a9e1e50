// A wall that is listened to. Events are gathered for a moment and shown together: a thousand a
// minute cost no more than a few dozen pictures.

import { useCallback, useEffect, useRef, useState } from 'react';
import { problemOf } from '../client/error';
import { begin, extend, hear, reveal } from './board';
import type { Board, Event } from './board';
import type { Source } from './source';

/** How long events are gathered, in milliseconds. */
const GATHER = 150;
/** How long to wait before a page that could not be loaded is asked for again, in milliseconds. */
const AGAIN = 3_000;
/** What goes by itself. */
const PASSING = new Set(['OFFLINE', 'SERVICE_UNAVAILABLE', 'INTERNAL_SERVER_ERROR', 'RATE_LIMITED']);

export type Mode = 'live' | 'hold' | { every: number };

export function useBoard(source: Source, mode: Mode) {
  const [board, setBoard] = useState<Board | null>(null);
  const [error, setError] = useState<unknown>(null);
  const latest = useRef(mode);
  latest.current = mode;

  useEffect(() => {
    let over = false;
    let stop = () => {};
    let timer: number | undefined;
    let gathered: Event[] = [];

    const flush = () => {
      const events = gathered;
      gathered = [];
      timer = undefined;
      setBoard((board) => {
        if (!board) return board;
        const heard = events.reduce(hear, board);
        return latest.current === 'live' ? reveal(heard) : heard;
      });
    };
    const start = async () => {
      try {
        const { posts, count, older, cursor } = await source.load();
        if (over) return;
        setError(null);
        setBoard(begin(posts, count, older));
        stop = source.listen(cursor, { hear: gather, end });
      } catch (error) {
        if (over) return;
        setError(error);
        if (PASSING.has(problemOf(error).code)) timer = window.setTimeout(() => void start(), AGAIN);
      }
    };
    const gather = (event: Event) => {
      gathered.push(event);
      timer ??= window.setTimeout(flush, GATHER);
    };
    const end = (error: unknown) => {
      if (over) return;
      stop();
      // The log does not go back so far: the wall begins anew.
      if (problemOf(error).code === 'CURSOR_EXPIRED') void start();
      else setError(error);
    };

    setBoard(null);
    void start();
    return () => {
      over = true;
      stop();
      window.clearTimeout(timer);
    };
  }, [source]);

  useReveal(mode, setBoard);
  const show = useCallback(() => setBoard((board) => board && reveal(board)), []);
  const more = async () => {
    if (!board?.older) return;
    const { posts, older } = await source.load(board.older);
    setBoard((board) => board && extend(board, posts, older));
  };
  return { board, error, show, more };
}

/** Shows what waits when the mode says so. */
function useReveal(mode: Mode, setBoard: (change: (board: Board | null) => Board | null) => void): void {
  const every = typeof mode === 'object' ? mode.every : null;
  useEffect(() => {
    if (mode === 'live') setBoard((board) => board && reveal(board));
    if (every === null) return undefined;
    // One after the other, and more at once when many wait.
    const next = (board: Board | null) => board && reveal(board, Math.ceil(board.waiting.length / 8));
    const timer = window.setInterval(() => setBoard(next), every);
    return () => window.clearInterval(timer);
  }, [mode === 'live', every, setBoard]);
}
