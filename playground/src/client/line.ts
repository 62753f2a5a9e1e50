// Whether the line to the server holds, and since when.

import { useSyncExternalStore } from 'react';

export type Line = { state: 'idle' | 'open' | 'lost'; since: number };

const listeners = new Set<() => void>();
let current: Line = { state: 'idle', since: Date.now() };

export function setLine(state: Line['state']): void {
  if (state === current.state) return;
  current = { state, since: Date.now() };
  listeners.forEach((listener) => listener());
}

export function line(): Line {
  return current;
}

export function useLine(): Line {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, line);
}
