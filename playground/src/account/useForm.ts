import { useState } from 'react';
import type { FormEvent } from 'react';
import { problemOf } from '../client/error';
import type { Problem } from '../client/error';

/** A form that sends its fields, and says what is wrong with them. */
export function useForm(send: (field: (name: string) => string, form: HTMLFormElement) => Promise<unknown>) {
  const [sending, setSending] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    const given = new FormData(form);
    setSending(true);
    setProblem(null);
    send((name) => String(given.get(name) ?? ''), form)
      .catch((error: unknown) => setProblem(problemOf(error)))
      .finally(() => setSending(false));
  };
  return { sending, problem, submit };
}
