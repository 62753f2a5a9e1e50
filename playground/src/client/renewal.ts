// A session that is used does not end: it is renewed when two thirds of its time are over.

import { RenewSessionDocument } from '../generated/documents';
import { onSession, openSession, session } from '../session';
import { client } from './client';

/** How often to look at the latest, in milliseconds: timers can't wait for weeks. */
const LOOK = 3_600_000;

let timer: number | undefined;

export function keepSession(): void {
  onSession(look);
  look();
}

function look(): void {
  window.clearTimeout(timer);
  const due = renewalTime();
  if (due === null) return;
  const wait = due - Date.now();
  if (wait <= 0) void renew();
  else timer = window.setTimeout(look, Math.min(wait, LOOK));
}

function renewalTime(): number | null {
  const current = session();
  if (!current?.expiresAt) return null;
  const opened = Date.parse(current.openedAt);
  return opened + ((Date.parse(current.expiresAt) - opened) * 2) / 3;
}

/** Only one window renews: the others find the new token in the storage. */
async function renew(): Promise<void> {
  const old = session()?.token;
  const one = async () => {
    if (session()?.token !== old) return;
    const { data } = await client.mutate({ mutation: RenewSessionDocument });
    if (data) openSession(data.renewSession.token, data.renewSession.user.username, data.renewSession.expiresAt);
  };
  try {
    // Pages that came over plain HTTP have no locks.
    await (navigator.locks ? navigator.locks.request('linnet:renewal', one) : one());
  } catch {
    timer = window.setTimeout(look, 60_000);
  }
}
