// The keyboard's short ways, told, and a switch for those to whom they are in the way.

import { useId, useState } from 'react';
import { areKeysOn, turnKeys } from './keys';

const KEYS: [string, string][] = [
  ['j', 'The next tweet'],
  ['k', 'The one before'],
  ['Enter', 'Open it'],
  ['l', 'Like it'],
  ['t', 'Retweet it'],
  ['r', 'Answer it'],
  ['n', 'Write'],
  ['/', 'Search'],
  ['?', 'These keys'],
];

const ID = 'keys';

export function showKeys(): void {
  document.querySelector<HTMLDialogElement>(`#${ID}`)?.showModal();
}

export function KeyHelp() {
  const heading = useId();
  const [on, setOn] = useState(areKeysOn);
  const turn = (next: boolean) => {
    setOn(next);
    turnKeys(next);
  };
  return (
    <dialog id={ID} className="question" aria-labelledby={heading}>
      <form method="dialog">
        <h2 id={heading}>Keys</h2>
        <dl className="keys">
          {KEYS.map(([key, what]) => (
            <div key={key}>
              <dt>
                <kbd>{key}</kbd>
              </dt>
              <dd>{what}</dd>
            </div>
          ))}
        </dl>
        <label className="switch">
          <input type="checkbox" role="switch" checked={on} onChange={(event) => turn(event.target.checked)} />
          Use single keys
        </label>
        <button type="submit" className="plain">
          Close
        </button>
      </form>
    </dialog>
  );
}
