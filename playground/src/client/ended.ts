import { notify } from '../page/Notice';
import { endSession, session } from '../session';

/** The server does not take this token any more: one is nobody in particular again, and told so. */
export function refuse(token: string): void {
  if (session()?.token !== token) return;
  endSession(token);
  notify('Your session has ended. Log in again.');
}
