// A wall that is listened to. What comes when nothing has come for a while shows at once; what
// follows is gathered and shown together, so that a thousand a minute cost few pictures.

import { useCallback, useEffect, useRef, useState } from 'react';
import { problemOf } from '../client/error';
import { onHidden } from '../hiding/heard';
import { begin, extend, hear, hide, reveal } from './board';
import type { Board, Event } from './board';
import type { Source } from './source';

/** How long from one picture to the next at the least and at the most, in milliseconds. */
const GATHER = { least: 300, most: 1_000 };
/** How many times as long as a picture took the page is left to its reader. */
const REST = 4;
/** How many may come in one picture for one to see each come. Drawing that is most of a storm's cost. */
const CALM = 2;
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
    let drawn = 0;
    let pause = GATHER.least;

    let frame: number | undefined;

    /** Where pictures take long there are fewer of them. A window that is hidden has none. */
    const measure = () => {
      frame = undefined;
      // Behind the frame that shows it.
      window.setTimeout(() => {
        const took = performance.now() - drawn;
        pause = Math.min(GATHER.most, Math.max(GATHER.least, REST * took));
      });
    };
    const flush = () => {
      const events = gathered;
      gathered = [];
      timer = undefined;
      drawn = performance.now();
      setBoard((board) => {
        if (!board) return board;
        const heard = events.reduce(hear, board);
        return latest.current === 'live' ? reveal(heard, events.length <= CALM) : heard;
      });
      frame ??= requestAnimationFrame(measure);
    };
    const start = async () => {
      try {
        const { cards, count, older, cursor } = await source.load();
        if (over) return;
        setError(null);
        setBoard(begin(cards, count, older));
        stop = source.listen(cursor, { hear: gather, end });
      } catch (error) {
        if (over) return;
        setError(error);
        if (PASSING.has(problemOf(error).code)) timer = window.setTimeout(again, AGAIN);
      }
    };
    const again = () => {
      timer = undefined;
      void start();
    };
    const gather = (event: Event) => {
      gathered.push(event);
      timer ??= window.setTimeout(flush, Math.max(0, drawn + pause - performance.now()));
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
      if (frame !== undefined) cancelAnimationFrame(frame);
    };
  }, [source]);

  useReveal(mode, setBoard);
  useEffect(() => onHidden((userId) => setBoard((board) => board && hide(board, userId))), []);
  const show = useCallback(() => setBoard((board) => board && reveal(board, false)), []);
  const more = async () => {
    if (!board?.older) return;
    const { cards, older } = await source.load(board.older);
    setBoard((board) => board && extend(board, cards, older));
  };
  return { board, error, show, more };
}

/** Shows what waits when the mode says so. */
function useReveal(mode: Mode, setBoard: (change: (board: Board | null) => Board | null) => void): void {
  const every = typeof mode === 'object' ? mode.every : null;
  useEffect(() => {
    if (mode === 'live') setBoard((board) => board && reveal(board, false));
    if (every === null) return undefined;
    // One after the other, and more at once when many wait.
    const next = (board: Board | null) => board && reveal(board, true, Math.ceil(board.waiting.length / 8));
    const timer = window.setInterval(() => setBoard(next), every);
    return () => window.clearInterval(timer);
  }, [mode === 'live', every, setBoard]);
}
