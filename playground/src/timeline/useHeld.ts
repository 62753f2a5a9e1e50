// Holds back what comes in above while one reads further down, so that nothing jumps.

import { useEffect, useRef, useState } from 'react';

/** How far down one still is at the top, in pixels. */
const TOP = 120;

export function useAtTop(): boolean {
  const [top, setTop] = useState(() => window.scrollY < TOP);
  useEffect(() => {
    const look = () => setTop(window.scrollY < TOP);
    window.addEventListener('scroll', look, { passive: true });
    return () => window.removeEventListener('scroll', look);
  }, []);
  return top;
}

/** Of a list that grows at its beginning: what is shown, and how many wait above it. */
export function useHeld<T>(items: readonly T[], key: (item: T) => string) {
  const top = useAtTop();
  const shown = useRef<Set<string>>(null);
  const first = top || !shown.current ? 0 : items.findIndex((item) => shown.current?.has(key(item)));
  const visible = items.slice(Math.max(0, first));
  useEffect(() => {
    shown.current = new Set(visible.map(key));
  });
  return { visible, waiting: Math.max(0, first) };
}
