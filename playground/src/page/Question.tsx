import { useEffect, useId, useRef } from 'react';
import type { FormEvent, ReactNode } from 'react';

type Props = {
  title: string;
  /** What is done when one says yes. */
  action: string;
  act: (field: (name: string) => string) => void;
  /** How one says no. */
  keep?: string;
  /** Called when it has been answered. */
  over: () => void;
  children: ReactNode;
};

/** Asks before what weighs. */
export function Question({ title, action, act, keep = 'Cancel', over, children }: Props) {
  const id = useId();
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  // What is done may take away what the question stands in, so it has to be closed by then.
  const given = useRef<FormData>(null);
  const submit = (event: FormEvent<HTMLFormElement>) => {
    given.current = new FormData(event.currentTarget);
  };
  const closed = () => {
    over();
    if (given.current) act((name) => String(given.current?.get(name) ?? ''));
  };
  return (
    <dialog ref={dialog} className="question" aria-labelledby={id} onClose={closed}>
      <form method="dialog" onSubmit={submit}>
        <h2 id={id}>{title}</h2>
        {children}
        <button type="button" className="plain" onClick={() => dialog.current?.close()}>
          {keep}
        </button>
        <button type="submit" className="danger">
          {action}
        </button>
      </form>
    </dialog>
  );
}
