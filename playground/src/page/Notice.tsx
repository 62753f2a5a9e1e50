// A line that says shortly what happened, and goes by itself.

import { useSyncExternalStore } from 'react';
import type { ReactNode } from 'react';
import { problemOf } from '../client/error';

const SHOWN = 6_000;

const listeners = new Set<() => void>();
let current: ReactNode = null;
let timer: number | undefined;

export function notify(text: ReactNode): void {
  current = text;
  window.clearTimeout(timer);
  if (text !== null) timer = window.setTimeout(() => notify(null), SHOWN);
  listeners.forEach((listener) => listener());
}

/** Tells of what went wrong where no form stands that could. */
export function complain(error: unknown): void {
  notify(problemOf(error).message);
}

export function Notice() {
  const text = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => current,
  );
  return (
    <div className="notice" role="status" aria-live="polite">
      {text !== null && <p>{text}</p>}
    </div>
  );
}
