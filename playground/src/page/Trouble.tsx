import { problemOf } from '../client/error';

/** Says why there is nothing to see, and lets one try again. */
export function Trouble({ error, retry }: { error: unknown; retry?: () => void }) {
  return (
    <div className="trouble" role="alert">
      <p>{problemOf(error).message}</p>
      {retry && (
        <button type="button" className="plain" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}
