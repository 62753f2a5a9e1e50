// Whether the line to the server holds, and since when.

import { useSyncExternalStore } from 'react';

export type Line = { state: 'idle' | 'open' | 'lost'; since: number };

const listeners = new Set<() => void>();
let current: Line = { state: 'idle', since: Date.now() };
let streams = 0;

export function setLine(state: Line['state']): void {
  if (state === current.state) return;
  current = { state, since: Date.now() };
  listeners.forEach((listener) => listener());
}

/** Somebody listens; the function it gives says that they do no longer. */
export function listen(): () => void {
  streams += 1;
  return () => {
    streams -= 1;
    settle();
  };
}

/** With nothing that comes back by itself, nothing but the browser says that the network has. */
function settle(): void {
  if (streams === 0 && current.state === 'lost' && navigator.onLine) setLine('idle');
}

window.addEventListener('online', settle);

export function line(): Line {
  return current;
}

export function useLine(): Line {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, line);
}
