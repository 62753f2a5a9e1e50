// Hashtags that are offered while one is typed.

import { useQuery } from '@apollo/client/react';
import { useDeferredValue, useState } from 'react';
import type { KeyboardEvent, RefObject } from 'react';
import { flushSync } from 'react-dom';
import { SuggestionsDocument } from '../generated/documents';

/** What of a hashtag stands before the caret, its sign left out. */
function begun(area: HTMLTextAreaElement): string | null {
  if (area.selectionStart !== area.selectionEnd) return null;
  const found = /(?:^|[^\p{L}\p{M}\p{N}_&/])[#＃]([\p{L}\p{M}\p{N}_]+)$/u.exec(area.value.slice(0, area.selectionStart));
  return found?.[1] ?? null;
}

export function useSuggestions(
  area: RefObject<HTMLTextAreaElement | null>,
  text: string,
  change: (text: string) => void,
) {
  const [prefix, setPrefix] = useState<string | null>(null);
  const [active, setActive] = useState(0);
  const wanted = useDeferredValue(prefix);
  const { data, previousData } = useQuery(SuggestionsDocument, {
    variables: { prefix: wanted ?? '' },
    skip: wanted === null,
    fetchPolicy: 'cache-first',
  });
  const lower = prefix?.toLowerCase() ?? '';
  const known = (data ?? previousData)?.hashtags ?? [];
  const tags = known.filter(({ name }) => name.startsWith(lower) && name !== lower);
  const open = prefix !== null && tags.length > 0;
  const current = Math.min(active, tags.length - 1);

  const close = () => setPrefix(null);
  const look = () => {
    const next = area.current && begun(area.current);
    if (next !== prefix) setActive(0);
    setPrefix(next);
  };
  const take = (index: number) => {
    const name = tags[index]?.name;
    const element = area.current;
    if (!name || !element || prefix === null) return;
    const caret = element.selectionStart;
    const before = `${text.slice(0, caret - prefix.length)}${name} `;
    // The next key may follow before the next frame, and has to find the caret in its place.
    flushSync(() => {
      change(before + text.slice(caret).replace(/^ /, ''));
      close();
    });
    element.setSelectionRange(before.length, before.length);
  };
  /** Whether the list took the key. */
  const press = (event: KeyboardEvent): boolean => {
    if (!open) return false;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) setActive((current + step + tags.length) % tags.length);
    else if (event.key === 'Escape') close();
    else if ((event.key === 'Enter' && !event.ctrlKey && !event.metaKey) || event.key === 'Tab') take(current);
    else return false;
    event.preventDefault();
    return true;
  };
  return { open, tags, active: current, look, close, take, press };
}
