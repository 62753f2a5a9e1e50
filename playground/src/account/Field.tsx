import { useId } from 'react';
import type { InputHTMLAttributes } from 'react';
import type { Problem } from '../client/error';

type Props = InputHTMLAttributes<HTMLInputElement> & {
  label: string;
  /** Its name within `input`; what the server says of it stands beneath it. */
  name: string;
  problem: Problem | null;
  hint?: string;
};

export function Field({ label, name, problem, hint, ...rest }: Props) {
  const id = useId();
  const wrong = problem?.field === `input.${name}`;
  return (
    <p className="field">
      <label htmlFor={id}>{label}</label>
      <input id={id} name={name} aria-invalid={wrong} aria-describedby={wrong || hint ? `${id}-hint` : undefined} {...rest} />
      {(wrong || hint) && (
        <small id={`${id}-hint`} className={wrong ? 'problem' : undefined}>
          {wrong ? problem.message : hint}
        </small>
      )}
    </p>
  );
}
