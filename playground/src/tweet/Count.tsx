import { LONGEST } from '../server';

const NEAR = 20;

/** How much of a tweet's length is left: read out only when it gets short. */
export function Count({ id, length }: { id: string; length: number }) {
  const left = LONGEST - length;
  const used = Math.min(1, length / LONGEST);
  return (
    <span className="count" data-state={left < 0 ? 'over' : left <= NEAR ? 'near' : 'fine'}>
      <svg viewBox="0 0 24 24" width="22" height="22" aria-hidden="true">
        <circle cx="12" cy="12" r="10" pathLength="1" />
        <circle cx="12" cy="12" r="10" pathLength="1" strokeDasharray={`${used} 1`} transform="rotate(-90 12 12)" />
      </svg>
      <span id={id} data-testid="characters-left" aria-live={left <= NEAR ? 'polite' : 'off'}>
        {left}
        <span className="hidden"> characters left</span>
      </span>
    </span>
  );
}
