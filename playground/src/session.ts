// The session that the playground remembers: the token of the last sign-up or
// log-in, for as long as this browser window lives.

import { useSyncExternalStore } from 'react';

export type Session = { token: string; username: string | null };

const KEY = 'linnet:session';
const listeners = new Set<() => void>();
let current = stored();

function stored(): Session | null {
  try {
    const session = JSON.parse(sessionStorage.getItem(KEY) ?? 'null');
    return typeof session?.token === 'string' ? session : null;
  } catch {
    return null;
  }
}

export function session(): Session | null {
  return current;
}

export function setSession(next: Session | null): void {
  current = next;
  try {
    if (next) sessionStorage.setItem(KEY, JSON.stringify(next));
    else sessionStorage.removeItem(KEY);
  } catch {
    // Without storage the session lasts until the page is left.
  }
  listeners.forEach((listener) => listener());
}

export function useSession(): Session | null {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, session);
}
