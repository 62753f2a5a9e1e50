// What one has begun to write, kept until it is sent or given up: a page may be left, and a session
// may end, before it is. It lasts as long as the window, and is its writer's alone.

import { session } from '../session';

const SIGN = 'linnet:draft:';

const keyOf = (place: string) => `${SIGN}${session()?.username ?? ''}:${place}`;

/** What was begun at a place: `home`, `reply:Tweet:1`. */
export function draft(place: string): string | null {
  try {
    return sessionStorage.getItem(keyOf(place));
  } catch {
    return null;
  }
}

export function keepDraft(place: string, text: string): void {
  try {
    if (text.trim() === '') sessionStorage.removeItem(keyOf(place));
    else sessionStorage.setItem(keyOf(place), text);
  } catch {
    // Without storage it lasts until the page is left.
  }
}

/** Leaves nothing for who comes next. */
export function forgetDrafts(): void {
  try {
    Object.keys(sessionStorage)
      .filter((key) => key.startsWith(SIGN))
      .forEach((key) => sessionStorage.removeItem(key));
  } catch {
    // Nothing was kept.
  }
}
