import type { Problem as Found } from '../client/error';

/** What is wrong with a form as a whole. */
export function Problem({ problem }: { problem: Found | null }) {
  if (!problem || problem.field) return null;
  return (
    <p className="problem" role="alert">
      {problem.message}
    </p>
  );
}
