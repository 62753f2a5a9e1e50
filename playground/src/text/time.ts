// Times and numbers in the reader's language.

import { useSyncExternalStore } from 'react';

const exact = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'short' });
const day = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });
const dayAndYear = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', year: 'numeric' });
const month = new Intl.DateTimeFormat(undefined, { month: 'long', year: 'numeric' });
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'short' });
const ago = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto', style: 'short' });
const whole = new Intl.NumberFormat();
const compact = new Intl.NumberFormat(undefined, { notation: 'compact' });

export const exactTime = (time: string) => exact.format(new Date(time));
export const monthOf = (time: string) => month.format(new Date(time));
export const clockTime = (milliseconds: number) => clock.format(milliseconds);
export const wholeNumber = (number: number) => whole.format(number);
export const shortNumber = (number: number) => (number < 10_000 ? whole : compact).format(number);

/** `1 tweet`, `2 tweets`: the words are English, the number is in the reader's language. */
export const counted = (number: number, noun: string) => `${shortNumber(number)} ${noun}${number === 1 ? '' : 's'}`;

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export function shortTime(time: string, now: number): string {
  const then = new Date(time);
  const past = Math.max(0, now - then.getTime());
  if (past < MINUTE) return ago.format(0, 'second');
  if (past < HOUR) return ago.format(-Math.floor(past / MINUTE), 'minute');
  if (past < DAY) return ago.format(-Math.floor(past / HOUR), 'hour');
  if (past < 7 * DAY) return ago.format(-Math.floor(past / DAY), 'day');
  return (then.getFullYear() === new Date(now).getFullYear() ? day : dayAndYear).format(then);
}

const listeners = new Set<() => void>();
let now = Date.now();
window.setInterval(() => {
  now = Date.now();
  listeners.forEach((listener) => listener());
}, MINUTE / 2);

/** The time of day, which goes on by itself. */
export function useNow(): number {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => now,
  );
}
