import { useState } from 'react';

const KEY = 'linnet:show-retweets';

/** Whether walls show retweets: this browser remembers it. */
export function useRetweets(): [boolean, (on: boolean) => void] {
  const [on, setOn] = useState(stored);
  const keep = (next: boolean) => {
    setOn(next);
    try {
      localStorage.setItem(KEY, String(next));
    } catch {
      // Without storage it lasts until the page is left.
    }
  };
  return [on, keep];
}

function stored(): boolean {
  try {
    return localStorage.getItem(KEY) !== 'false';
  } catch {
    return true;
  }
}
