// The session that this browser remembers: the token of the last sign-up or log-in. All pages and
// windows share it.

import { useSyncExternalStore } from 'react';

export type Session = {
  token: string;
  username: string | null;
  /** When it ends by itself, where that is known, and when it was opened: RFC 3339. */
  expiresAt: string | null;
  openedAt: string;
};

const KEY = 'linnet:session';
const listeners = new Set<() => void>();
let current = parsed(stored());

function stored(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

function parsed(text: string | null): Session | null {
  try {
    const session = JSON.parse(text ?? 'null') as Partial<Session> | null;
    if (typeof session?.token !== 'string') return null;
    const { token, username = null, expiresAt = null, openedAt = new Date().toISOString() } = session;
    return { token, username, expiresAt, openedAt };
  } catch {
    return null;
  }
}

export function session(): Session | null {
  return current;
}

/** Remembers what `signUp`, `logIn` or `renewSession` answered. */
export function openSession(token: string, username: string | null, expiresAt: string | null): void {
  setSession({ token, username, expiresAt, openedAt: new Date().toISOString() });
}

/** Forgets the session, unless another has taken its place. */
export function endSession(token: string): void {
  if (current?.token === token) setSession(null);
}

function setSession(next: Session | null): void {
  try {
    if (next) localStorage.setItem(KEY, JSON.stringify(next));
    else localStorage.removeItem(KEY);
  } catch {
    // Without storage the session lasts until the page is left.
  }
  take(next);
}

function take(next: Session | null): void {
  current = next;
  listeners.forEach((listener) => listener());
}

// What another window of this browser did.
window.addEventListener('storage', (event) => {
  if (event.key === KEY || event.key === null) take(parsed(stored()));
});

export function onSession(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useSession(): Session | null {
  return useSyncExternalStore(onSession, session);
}
