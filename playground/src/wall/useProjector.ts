// The mode for a hall: the wall alone, in large letters, on a screen that does not go dark.

import { useCallback, useEffect, useState } from 'react';
import { go, useAddress } from '../page/path';

/** Whether the address says `?projector`, and how to change that. */
export function useProjector(): [boolean, (on: boolean) => void] {
  const address = useAddress();
  const on = address.searchParams.has('projector');
  const turn = useCallback((on: boolean) => {
    go(on ? `${location.pathname}?projector` : location.pathname, { replace: true });
    // A browser may refuse, or have no full screen: the wall fills the window then.
    if (on) document.documentElement.requestFullscreen?.().catch(() => {});
    else if (document.fullscreenElement) void document.exitFullscreen();
  }, []);
  useEffect(() => {
    if (!on) return undefined;
    const left = () => !document.fullscreenElement && turn(false);
    const press = ({ key }: KeyboardEvent) => key === 'Escape' && turn(false);
    document.addEventListener('fullscreenchange', left);
    document.addEventListener('keydown', press);
    return () => {
      document.removeEventListener('fullscreenchange', left);
      document.removeEventListener('keydown', press);
    };
  }, [on, turn]);
  useWakefulness(on);
  return [on, turn];
}

/** Keeps the screen lit. Browsers let go of that when the window is hidden. */
function useWakefulness(on: boolean): void {
  const [lock, setLock] = useState<WakeLockSentinel | null>(null);
  useEffect(() => {
    if (!on) return undefined;
    const ask = () => {
      if (document.visibilityState !== 'visible') return;
      // Pages that came over plain HTTP have no such lock.
      navigator.wakeLock?.request('screen').then(setLock, () => {});
    };
    ask();
    document.addEventListener('visibilitychange', ask);
    return () => document.removeEventListener('visibilitychange', ask);
  }, [on]);
  useEffect(() => {
    if (!on) void lock?.release();
  }, [on, lock]);
}
