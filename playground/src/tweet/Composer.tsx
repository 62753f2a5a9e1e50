// Where one writes: counts as the server does, and offers hashtags.

import { useId, useRef, useState } from 'react';
import type { FormEvent, KeyboardEvent } from 'react';
import { problemOf } from '../client/error';
import { LONGEST } from '../server';
import { weightedLength } from '../text/length';
import { wholeNumber } from '../text/time';
import { Count } from './Count';
import { draft, keepDraft } from './draft';
import { useSuggestions } from './suggestions';

type Props = {
  label: string;
  action: string;
  /** Under which name what is begun here is kept. */
  place: string;
  text?: string;
  autoFocus?: boolean;
  send: (text: string, key: string) => Promise<unknown>;
  cancel?: () => void;
};

/** A key under which a text is posted once, however often it is sent. */
function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

export function Composer({ label, action, place, text: initial = '', autoFocus, send, cancel }: Props) {
  const id = useId();
  const area = useRef<HTMLTextAreaElement>(null);
  const key = useRef(newKey());
  const [text, setText] = useState(() => draft(place) ?? initial);
  const [sending, setSending] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const suggestions = useSuggestions(area, text, change);

  const length = weightedLength(text);
  const ready = text.trim() !== '' && length <= LONGEST && !sending;

  function change(next: string) {
    setText(next);
    keepDraft(place, next === initial ? '' : next);
    setProblem(null);
    key.current = newKey();
  }

  function empty() {
    change('');
    keepDraft(place, '');
  }

  function giveUp() {
    keepDraft(place, '');
    cancel?.();
  }

  function submit(event?: FormEvent) {
    event?.preventDefault();
    if (!ready) return;
    setSending(true);
    send(text, key.current)
      .then(
        () => empty(),
        (error: unknown) => setProblem(problemOf(error).message),
      )
      .finally(() => setSending(false));
  }

  function press(event: KeyboardEvent) {
    if (suggestions.press(event)) return;
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) submit();
    if (event.key === 'Escape' && cancel) giveUp();
  }

  return (
    <form className="composer" onSubmit={submit}>
      <label htmlFor={id} className="hidden">
        {label}
      </label>
      <textarea
        ref={area}
        id={id}
        dir="auto"
        rows={2}
        value={text}
        readOnly={sending}
        placeholder={label}
        autoFocus={autoFocus}
        aria-describedby={`${id}-count`}
        aria-invalid={length > LONGEST || problem !== null}
        aria-autocomplete="list"
        aria-controls={suggestions.open ? `${id}-tags` : undefined}
        aria-activedescendant={suggestions.open ? `${id}-tag-${suggestions.active}` : undefined}
        onChange={(event) => change(event.target.value)}
        onSelect={suggestions.look}
        onBlur={suggestions.close}
        onKeyDown={press}
      />
      {suggestions.open && (
        <ul id={`${id}-tags`} className="suggestions" role="listbox" aria-label="Hashtags">
          {suggestions.tags.map(({ name, tweetCount }, index) => (
            <li
              key={name}
              id={`${id}-tag-${index}`}
              role="option"
              aria-selected={index === suggestions.active}
              onPointerDown={(event) => {
                event.preventDefault();
                suggestions.take(index);
              }}
            >
              <bdi>#{name}</bdi> <small>{wholeNumber(tweetCount)}</small>
            </li>
          ))}
        </ul>
      )}
      {problem && (
        <p className="problem" role="alert">
          {problem}
        </p>
      )}
      <div className="composer-foot">
        <Count id={`${id}-count`} length={length} />
        {cancel && (
          <button type="button" className="plain" onClick={giveUp}>
            Cancel
          </button>
        )}
        <button type="submit" className="primary" aria-disabled={!ready}>
          {sending ? 'Sending …' : action}
        </button>
      </div>
    </form>
  );
}
