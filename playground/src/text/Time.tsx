import { exactTime, shortTime, useNow } from './time';

/** When something happened, as long ago as it is; all of it in the tip. */
export function Time({ at }: { at: string }) {
  const now = useNow();
  return (
    <time dateTime={at} title={exactTime(at)}>
      {shortTime(at, now)}
    </time>
  );
}
