import { useEffect, useState } from 'react';
import { useLine } from '../client/line';
import { clockTime } from '../text/time';

/** A short break is nobody's business, in milliseconds. */
const PATIENCE = 1_500;

/** Says that nothing comes any more, since when, and that one need not do anything. */
export function Offline() {
  const { state, since } = useLine();
  const [told, setTold] = useState(false);
  useEffect(() => {
    setTold(false);
    if (state !== 'lost') return undefined;
    const timer = window.setTimeout(() => setTold(true), PATIENCE);
    return () => window.clearTimeout(timer);
  }, [state, since]);
  return (
    <div className="offline" role="status" data-testid="offline">
      {told && state === 'lost' && (
        <p>Offline since {clockTime(since)}. It goes on by itself, without a hole.</p>
      )}
    </div>
  );
}
