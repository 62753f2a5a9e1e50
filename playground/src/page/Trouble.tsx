import { problemOf } from '../client/error';
import { Link } from './Link';

/** Says why there is nothing to see, and what one can do. */
export function Trouble({ error, retry }: { error: unknown; retry?: () => unknown }) {
  const { code, message } = problemOf(error);
  return (
    <div className="trouble" role="alert">
      <p>{message}</p>
      {code === 'UNAUTHENTICATED' ? (
        <Link to="/log-in" className="plain">
          Log in
        </Link>
      ) : (
        retry && (
          <button type="button" className="plain" onClick={() => retry()}>
            Try again
          </button>
        )
      )}
    </div>
  );
}
