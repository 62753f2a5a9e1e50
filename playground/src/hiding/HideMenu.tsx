// What one can do about somebody: a menu, and a question before what weighs.

import { useQuery } from '@apollo/client/react';
import { useState } from 'react';
import { ViewerDocument } from '../generated/documents';
import type { StandingFragment } from '../generated/documents';
import { Menu, MenuItem } from '../page/Menu';
import { Question } from '../page/Question';
import { useSession } from '../session';
import { hide } from './hide';

type Weighty = 'block' | 'ban';

export function HideMenu({ user, className }: { user: StandingFragment; className: string }) {
  const viewer = useSession()?.username;
  const [asking, setAsking] = useState<Weighty | null>(null);
  if (!viewer || viewer === user.username) return null;
  const name = `@${user.username}`;
  const over = () => setAsking(null);
  return (
    <>
      <Menu label={`More about ${name}`} className={className}>
        <Choices user={user} ask={setAsking} />
      </Menu>
      {asking === 'block' && (
        <Question title={`Block ${name}?`} action="Block" act={() => hide('block', user)} over={over}>
          <p>
            You see nothing of them any more, and neither of you can follow, mention or answer the other. Follows between you
            end. They are not told.
          </p>
        </Question>
      )}
      {asking === 'ban' && (
        <Question title={`Ban ${name}?`} action="Ban" act={(field) => hide('ban', user, field('reason'))} over={over}>
          <p>They are logged out and can write nothing more, and nothing of theirs shows to anybody but moderators.</p>
          <label>
            Why, for moderators
            <input name="reason" maxLength={1000} dir="auto" />
          </label>
        </Question>
      )}
    </>
  );
}

function Choices({ user, ask }: { user: StandingFragment; ask: (what: Weighty) => void }) {
  const { data } = useQuery(ViewerDocument, { fetchPolicy: 'cache-first' });
  const { username, viewerIsMuting, viewerIsBlocking, isBanned } = user;
  const name = `@${username}`;
  return (
    <>
      {!isBanned && (
        <MenuItem act={() => hide(viewerIsMuting ? 'unmute' : 'mute', user)}>
          {viewerIsMuting ? 'Unmute' : 'Mute'} {name}
          <small>{viewerIsMuting ? 'Have them in your feeds again' : 'Out of your home, notifications and live walls'}</small>
        </MenuItem>
      )}
      {!isBanned && (
        <MenuItem act={() => (viewerIsBlocking ? hide('unblock', user) : ask('block'))}>
          {viewerIsBlocking ? 'Unblock' : 'Block'} {name}
          <small>{viewerIsBlocking ? 'See them again' : 'See nothing of them'}</small>
        </MenuItem>
      )}
      {data?.viewer?.isModerator && (
        <MenuItem act={() => (isBanned ? hide('unban', user) : ask('ban'))}>
          {isBanned ? 'Unban' : 'Ban'} {name}
          <small>{isBanned ? 'Let them in again' : 'Hide them from everybody'}</small>
        </MenuItem>
      )}
    </>
  );
}
