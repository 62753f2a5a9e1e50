// What a wall shows, as its events change it. Nothing here knows of pages or sockets.

import type { PersonFragment, PostFragment, TweetEventKind } from '../generated/documents';

/** A tweet on the wall. */
export type Card = {
  post: PostFragment;
  /** Who retweeted it last, where that shows. */
  by: PersonFragment | null;
  /** Whether it came while one looked, so that one sees it come. */
  fresh?: boolean;
};

export type Board = {
  /** What one sees, newest first. */
  shown: readonly Card[];
  /** What has come since, newest first, and how many that were: only the newest are kept. */
  waiting: readonly Card[];
  waitingCount: number;
  /** All tweets of the wall, counted by the server. */
  count: number;
  /** Where the older ones begin; null where there are none, or where they were let go. */
  older: string | null;
};

export type Event = {
  kind: TweetEventKind;
  tweetId: string;
  post: PostFragment | null;
  by: PersonFragment | null;
  count: number | null;
};

/** How many cards a wall keeps at each side of the waiting line. */
export const KEPT = 100;

export function begin(shown: readonly Card[], count: number, older: string | null): Board {
  return { shown, waiting: [], waitingCount: 0, count, older };
}

export function hear(board: Board, event: Event): Board {
  const next = { ...board, count: event.count ?? board.count };
  switch (event.kind) {
    case 'CREATED':
      return event.post && !has(board, event.tweetId) ? wait(next, { post: event.post, by: null }) : rewrite(next, event.post);
    case 'RETWEETED':
      return event.post ? wait(rewrite(next, event.post), { post: event.post, by: event.by }) : next;
    case 'UPDATED':
      return rewrite(next, event.post);
    case 'DELETED':
      return withdraw(next, event.tweetId);
  }
}

const has = ({ shown, waiting }: Board, id: string) => [...waiting, ...shown].some(({ post }) => post.id === id);

function wait(board: Board, card: Card): Board {
  const known = board.waiting.some(({ post }) => post.id === card.post.id);
  const waiting = [card, ...without(board.waiting, card.post.id)].slice(0, KEPT);
  return { ...board, waiting, waitingCount: board.waitingCount + (known ? 0 : 1) };
}

/** Puts a tweet's present text wherever it stands. */
function rewrite(board: Board, post: PostFragment | null): Board {
  if (!post) return board; // Gone since: that is told next.
  const renew = (cards: readonly Card[]) =>
    cards.some((card) => card.post.id === post.id)
      ? cards.map((card) => (card.post.id === post.id ? { ...card, post } : card))
      : cards;
  return { ...board, shown: renew(board.shown), waiting: renew(board.waiting) };
}

function withdraw(board: Board, id: string): Board {
  const waiting = without(board.waiting, id);
  const waitingCount = board.waitingCount - (board.waiting.length - waiting.length);
  return { ...board, shown: without(board.shown, id), waiting, waitingCount };
}

/** Takes off what somebody wrote, and their name where they only retweeted it. */
export function hide(board: Board, userId: string): Board {
  const left = (cards: readonly Card[]) =>
    cards.filter(({ post }) => post.author.id !== userId).map((card) => (card.by?.id === userId ? { ...card, by: null } : card));
  const waiting = left(board.waiting);
  const waitingCount = board.waitingCount - (board.waiting.length - waiting.length);
  return { ...board, shown: left(board.shown), waiting, waitingCount };
}

const without = (cards: readonly Card[], id: string) =>
  cards.some(({ post }) => post.id === id) ? cards.filter(({ post }) => post.id !== id) : cards;

/**
 * Shows what waits: all of it, or the oldest few; `seen` is whether one is to see it come. A tweet
 * stands once, where it came up last.
 */
export function reveal(board: Board, seen: boolean, few = Infinity): Board {
  if (board.waiting.length === 0) return board.waitingCount === 0 ? board : { ...board, waitingCount: 0 };
  const from = Math.max(0, board.waiting.length - few);
  const fresh = board.waiting.slice(from).map((card) => ({ ...card, fresh: seen }));
  const risen = new Set(fresh.map(({ post }) => post.id));
  const all = [...fresh, ...board.shown.filter(({ post }) => !risen.has(post.id))];
  const lost = board.waitingCount > board.waiting.length && from === 0;
  const cut = all.length > KEPT || lost;
  return {
    ...board,
    shown: all.slice(0, KEPT),
    waiting: board.waiting.slice(0, from),
    waitingCount: from === 0 ? 0 : board.waitingCount - fresh.length,
    older: cut ? null : board.older,
  };
}

/** Puts an older page below. */
export function extend(board: Board, cards: readonly Card[], older: string | null): Board {
  const known = new Set(board.shown.map(({ post }) => post.id));
  return { ...board, shown: [...board.shown, ...cards.filter(({ post }) => !known.has(post.id))], older };
}
