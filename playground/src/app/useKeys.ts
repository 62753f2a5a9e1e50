// The keyboard's short ways: j and k through the tweets, and what one does with them.

import { useEffect } from 'react';
import { go } from '../page/path';
import { showKeys } from './KeyHelp';
import { areKeysOn } from './keys';

const ON_TWEET: Record<string, string> = { l: '.heart', t: '.retweet', r: '.reply' };

export function useKeys(): void {
  useEffect(() => {
    document.addEventListener('keydown', press);
    return () => document.removeEventListener('keydown', press);
  }, []);
}

function press(event: KeyboardEvent): void {
  const { target, key } = event;
  const writing = target instanceof HTMLElement && target.closest('input, textarea, select, dialog, [role=menu]');
  if (!areKeysOn() || writing || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  const button = ON_TWEET[key];
  if (key === 'j' || key === 'k') step(key === 'j' ? 1 : -1);
  else if (button) current()?.querySelector<HTMLElement>(`.reactions ${button}`)?.click();
  else if (key === 'Enter' && target === current()) current()?.querySelector<HTMLElement>('.when')?.click();
  else if (key === 'n') document.querySelector<HTMLElement>('.composer textarea')?.focus();
  else if (key === '/') go('/search');
  else if (key === '?') showKeys();
  else return;
  event.preventDefault();
}

function current(): HTMLElement | null {
  return document.activeElement?.closest<HTMLElement>('article') ?? null;
}

function step(by: 1 | -1): void {
  const tweets = [...document.querySelectorAll<HTMLElement>('main article')];
  const here = current();
  const index = here ? tweets.indexOf(here) + by : tweets.findIndex((tweet) => tweet.getBoundingClientRect().top > 0);
  const next = tweets[index];
  next?.focus({ preventScroll: true });
  next?.scrollIntoView({ block: 'center' });
}
