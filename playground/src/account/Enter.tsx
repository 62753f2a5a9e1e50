// Logging in and signing up.

import { client } from '../client/client';
import { LogInDocument, SignUpDocument } from '../generated/documents';
import type { SessionFragment } from '../generated/documents';
import { NavLink } from '../page/Link';
import { go, useAddress } from '../page/path';
import { SIGN_UP } from '../server';
import { openSession } from '../session';
import { Field } from './Field';
import { Problem } from './Problem';
import { useForm } from './useForm';

function begin({ token, expiresAt, user }: SessionFragment): void {
  openSession(token, user.username, expiresAt);
  if (['/log-in', '/sign-up'].includes(location.pathname)) go('/', { replace: true });
}

export function Enter() {
  const signingUp = useAddress().pathname === '/sign-up';
  return (
    <section className="enter" aria-label={signingUp ? 'Sign up' : 'Log in'}>
      <nav className="tabs" aria-label="Account">
        <NavLink to="/log-in" aria-current={signingUp ? undefined : 'page'}>
          Log in
        </NavLink>
        <NavLink to="/sign-up">Sign up</NavLink>
      </nav>
      {!signingUp ? <LogIn /> : SIGN_UP ? <SignUp /> : <Closed />}
    </section>
  );
}

function LogIn() {
  const { sending, problem, submit } = useForm(async (field) => {
    const input = { username: field('username'), password: field('password') };
    const { data } = await client.mutate({ mutation: LogInDocument, variables: { input } });
    if (data) begin(data.logIn);
  });
  // Here "log in first" would be no help.
  const told = problem?.code === 'UNAUTHENTICATED' ? { ...problem, message: 'The username or the password is wrong.' } : problem;
  return (
    <form onSubmit={submit}>
      <Field label="Username" name="username" autoComplete="username" required problem={problem} />
      <Field label="Password" name="password" type="password" autoComplete="current-password" required problem={problem} />
      <Problem problem={told} />
      <button type="submit" className="primary" aria-disabled={sending}>
        Log in
      </button>
    </form>
  );
}

/** Where the operator makes the accounts. */
function Closed() {
  return <p className="closed">New accounts are made by those who run this server. Ask them for one, then log in.</p>;
}

function SignUp() {
  const { sending, problem, submit } = useForm(async (field) => {
    const [username, password, displayName] = ['username', 'password', 'displayName'].map(field) as [string, string, string];
    const input = { username, password, displayName: displayName || null };
    const { data } = await client.mutate({ mutation: SignUpDocument, variables: { input } });
    if (data) begin(data.signUp);
  });
  return (
    <form onSubmit={submit}>
      <Field
        label="Username"
        name="username"
        autoComplete="username"
        autoCapitalize="none"
        spellCheck={false}
        required
        maxLength={20}
        pattern="[A-Za-z0-9_]+"
        hint="Letters, digits and _; 20 at the most."
        problem={problem}
      />
      <Field label="Name" name="displayName" autoComplete="name" maxLength={50} dir="auto" problem={problem} />
      <Field
        label="Password"
        name="password"
        type="password"
        autoComplete="new-password"
        required
        minLength={8}
        maxLength={256}
        hint="At least 8 characters."
        problem={problem}
      />
      <Problem problem={problem} />
      <button type="submit" className="primary" aria-disabled={sending}>
        Sign up
      </button>
    </form>
  );
}
