// The keyboard's short ways, told, and a switch for those to whom they are in the way.

import { useEffect, useId, useRef, useState } from 'react';
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

let show = () => {};
export const showKeys = () => show();

export function KeyHelp() {
  const [shown, setShown] = useState(false);
  useEffect(() => {
    show = () => setShown(true);
  }, []);
  return shown && <Keys over={() => setShown(false)} />;
}

function Keys({ over }: { over: () => void }) {
  const heading = useId();
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  const [on, setOn] = useState(areKeysOn);
  const turn = (next: boolean) => {
    setOn(next);
    turnKeys(next);
  };
  return (
    <dialog ref={dialog} className="question" aria-labelledby={heading} onClose={over}>
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
