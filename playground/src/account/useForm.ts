import { useEffect, useRef, useState } from 'react';
import type { FormEvent } from 'react';
import { problemOf } from '../client/error';
import type { Problem } from '../client/error';

/** A form that sends its fields, says what is wrong with them, and leads to the one at fault. */
export function useForm(send: (field: (name: string) => string, form: HTMLFormElement) => Promise<unknown>) {
  const [sending, setSending] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const sent = useRef<HTMLFormElement>(null);
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (sending) return;
    const form = event.currentTarget;
    const given = new FormData(form);
    sent.current = form;
    setSending(true);
    setProblem(null);
    send((name) => String(given.get(name) ?? ''), form)
      .catch((error: unknown) => setProblem(problemOf(error)))
      .finally(() => setSending(false));
  };
  useEffect(() => {
    if (problem) sent.current?.querySelector<HTMLElement>('[aria-invalid=true]')?.focus();
  }, [problem]);
  return { sending, problem, submit };
}
