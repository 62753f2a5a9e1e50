// What went wrong, in words for the one who sits before the page.

import { CombinedGraphQLErrors, ServerError } from '@apollo/client/errors';

export type Problem = {
  /** `extensions.code`, or `OFFLINE` where no answer came. */
  code: string;
  /** The input at fault: `input.text`. */
  field: string | null;
  message: string;
};

const MESSAGES: Record<string, string> = {
  UNAUTHENTICATED: 'Log in first.',
  FORBIDDEN: 'That is not yours to do.',
  NOT_FOUND: 'That is gone.',
  CURSOR_EXPIRED: 'Too much has happened meanwhile. The page starts anew.',
  QUERY_TOO_COMPLEX: 'That is too much at once.',
  INTERNAL_SERVER_ERROR: 'The server has a problem. Try again in a moment.',
  SERVICE_UNAVAILABLE: 'The server is busy. Try again in a moment.',
  OFFLINE: 'The server is out of reach. Try again in a moment.',
};

/** Codes whose own message says exactly what is wrong. */
const EXACT = new Set(['BAD_USER_INPUT', 'CONFLICT', 'FORBIDDEN']);

/** What one looked for is not there. */
export class Absent extends Error {}

export function problemOf(error: unknown): Problem {
  if (CombinedGraphQLErrors.is(error)) return graphQLProblem(error.errors);
  if (ServerError.is(error)) return httpProblem(error);
  return problem(error instanceof Absent ? 'NOT_FOUND' : 'OFFLINE', null, error instanceof Absent ? error.message : undefined);
}

function graphQLProblem(errors: CombinedGraphQLErrors['errors']): Problem {
  const [error] = errors;
  const { code, field, retryAfter } = error?.extensions ?? {};
  const name = typeof code === 'string' ? code : 'INTERNAL_SERVER_ERROR';
  if (name === 'RATE_LIMITED') return limited(retryAfter);
  return problem(name, typeof field === 'string' ? field : null, EXACT.has(name) ? error?.message : undefined);
}

/** Answers that are no GraphQL: what stands before the server, or the server in distress. */
function httpProblem(error: ServerError): Problem {
  try {
    const { errors } = JSON.parse(error.bodyText) as { errors?: CombinedGraphQLErrors['errors'] };
    if (errors?.length) return graphQLProblem(errors);
  } catch {
    // Not even JSON.
  }
  return problem(error.statusCode === 429 || error.statusCode === 503 ? 'SERVICE_UNAVAILABLE' : 'INTERNAL_SERVER_ERROR');
}

function limited(retryAfter: unknown): Problem {
  const seconds = typeof retryAfter === 'number' ? retryAfter : 60;
  const wait = seconds === 1 ? '1 second' : seconds < 120 ? `${seconds} seconds` : `${Math.ceil(seconds / 60)} minutes`;
  return problem('RATE_LIMITED', null, `That was too often. Try again in ${wait}.`);
}

function problem(code: string, field: string | null = null, message?: string): Problem {
  return { code, field, message: sentence(message ?? MESSAGES[code] ?? 'That did not work.') };
}

function sentence(text: string): string {
  const capital = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(capital) ? capital : `${capital}.`;
}
