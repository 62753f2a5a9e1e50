// `/settings`: the profile, the password, the end of a session and of an account.

import { useQuery } from '@apollo/client/react';
import { useEffect, useState } from 'react';
import { client } from '../client/client';
import {
  ChangePasswordDocument,
  DeleteAccountDocument,
  LogOutDocument,
  UpdateProfileDocument,
  ViewerDocument,
} from '../generated/documents';
import type { ViewerQuery } from '../generated/documents';
import { showKeys } from '../app/KeyHelp';
import { HiddenPeople } from '../hiding/HiddenPeople';
import { Icon } from '../page/Icon';
import { complain, notify } from '../page/Notice';
import { go } from '../page/path';
import { Title } from '../page/Title';
import { endSession, session } from '../session';
import { forgetDrafts } from '../tweet/draft';
import { Field } from './Field';
import { Problem } from './Problem';
import { useForm } from './useForm';

/** The session is over on this side too. */
function leave(): void {
  const current = session();
  forgetDrafts();
  if (current) endSession(current.token);
  notify('You are logged out.');
  go('/');
}

export function Settings() {
  const { data } = useQuery(ViewerDocument);
  return (
    <section className="page settings">
      <Title title="Settings" />
      {data?.viewer && <ProfileForm viewer={data.viewer} />}
      <PasswordForm />
      <HiddenPeople />
      <button type="button" className="plain keys-button" onClick={showKeys}>
        Keys
      </button>
      <h2>Leave</h2>
      <button
        type="button"
        className="plain"
        onClick={() => void client.mutate({ mutation: LogOutDocument }).then(leave, complain)}
      >
        <Icon name="leave" /> Log out
      </button>
      <DeleteForm />
      <ForDevelopers />
    </section>
  );
}

function ProfileForm({ viewer }: { viewer: NonNullable<ViewerQuery['viewer']> }) {
  const { sending, problem, submit } = useForm(async (field) => {
    const input = { displayName: field('displayName'), bio: field('bio') };
    await client.mutate({ mutation: UpdateProfileDocument, variables: { input } });
    notify('Your profile is saved.');
  });
  return (
    <form onSubmit={submit} aria-labelledby="profile">
      <h2 id="profile">Profile</h2>
      <Field label="Name" name="displayName" defaultValue={viewer.displayName} maxLength={50} dir="auto" problem={problem} />
      <Field label="About you" name="bio" defaultValue={viewer.bio} maxLength={160} dir="auto" problem={problem} />
      <Problem problem={problem} />
      <button type="submit" className="primary" aria-disabled={sending}>
        Save
      </button>
    </form>
  );
}

function PasswordForm() {
  const { sending, problem, submit } = useForm(async (field, form) => {
    const input = { password: field('password'), newPassword: field('newPassword') };
    await client.mutate({ mutation: ChangePasswordDocument, variables: { input } });
    form.reset();
    notify('Your password is changed. Everywhere else you are logged out.');
  });
  return (
    <form onSubmit={submit} aria-labelledby="password">
      <h2 id="password">Password</h2>
      <Owner />
      <Field label="Password now" name="password" type="password" autoComplete="current-password" required problem={problem} />
      <Field
        label="New password"
        name="newPassword"
        type="password"
        autoComplete="new-password"
        required
        minLength={8}
        maxLength={256}
        problem={problem}
      />
      <Problem problem={problem} />
      <button type="submit" className="primary" aria-disabled={sending}>
        Change
      </button>
    </form>
  );
}

function DeleteForm() {
  const { sending, problem, submit } = useForm(async (field) => {
    const input = { password: field('password') };
    await client.mutate({ mutation: DeleteAccountDocument, variables: { input } });
    leave();
    notify('Your account is deleted.');
  });
  return (
    <details className="grave">
      <summary>Delete the account</summary>
      <form onSubmit={submit} aria-label="Delete the account">
        <Owner />
        <p>Everything that you wrote goes with it, at once and for ever.</p>
        <Field label="Password" name="password" type="password" autoComplete="current-password" required problem={problem} />
        <Problem problem={problem} />
        <button type="submit" className="danger" aria-disabled={sending}>
          Delete everything
        </button>
      </form>
    </details>
  );
}

/** GraphiQL is not served in production. */
function ForDevelopers() {
  const [served, setServed] = useState(false);
  useEffect(() => {
    fetch('/graphiql', { method: 'HEAD' }).then(({ ok }) => setServed(ok), () => {});
  }, []);
  if (!served) return null;
  return (
    <p className="developers">
      Write programs? <a href="/graphiql">GraphiQL</a> shows the API, with a tour.
    </p>
  );
}

/** Tells password managers whose password it is. */
function Owner() {
  return <input type="text" autoComplete="username" defaultValue={session()?.username ?? ''} hidden />;
}
