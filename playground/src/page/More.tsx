import { useEffect, useRef, useState } from 'react';
import { complain } from './Notice';

type Props = { more: boolean; load: () => Promise<unknown> };

/** The end of a list: loads what follows as it comes near. */
export function More({ more, load }: Props) {
  const button = useRef<HTMLButtonElement>(null);
  const [state, setState] = useState<'ready' | 'loading' | 'failed'>('ready');

  const begin = () => {
    if (state === 'loading') return;
    setState('loading');
    load().then(
      () => setState('ready'),
      (error: unknown) => {
        complain(error);
        setState('failed');
      },
    );
  };
  const latest = useRef(begin);
  latest.current = begin;

  useEffect(() => {
    if (!button.current || state !== 'ready') return undefined;
    const near = ([entry]: IntersectionObserverEntry[]) => entry?.isIntersecting && latest.current();
    const watcher = new IntersectionObserver(near, { rootMargin: '800px' });
    watcher.observe(button.current);
    return () => watcher.disconnect();
  }, [state, more]);

  if (!more) return null;
  return (
    <button ref={button} type="button" className="more" aria-disabled={state === 'loading'} onClick={begin}>
      {state === 'loading' ? 'Loading …' : 'Show more'}
    </button>
  );
}
