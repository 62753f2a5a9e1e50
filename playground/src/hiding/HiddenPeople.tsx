// Whom one hides, with a way back.

import { useQuery } from '@apollo/client/react';
import { useState } from 'react';
import type { ReactNode } from 'react';
import { BannedUsersDocument, BlockedUsersDocument, MutedUsersDocument, ViewerDocument } from '../generated/documents';
import { Link } from '../page/Link';
import { Rows } from '../page/Rows';
import { Trouble } from '../page/Trouble';
import { Avatar } from '../user/Avatar';
import { hide } from './hide';
import { ModerationLog } from './ModerationLog';

const LISTS = [
  { name: 'Muted', document: MutedUsersDocument, undo: 'unmute', action: 'Unmute', empty: 'You have muted nobody.' },
  { name: 'Blocked', document: BlockedUsersDocument, undo: 'unblock', action: 'Unblock', empty: 'You have blocked nobody.' },
  { name: 'Banned', document: BannedUsersDocument, undo: 'unban', action: 'Unban', empty: 'Nobody is banned.' },
] as const;

type List = (typeof LISTS)[number];

export function HiddenPeople() {
  const { data } = useQuery(ViewerDocument, { fetchPolicy: 'cache-first' });
  return (
    <section className="hidden-people" aria-labelledby="hidden-people">
      <h2 id="hidden-people">People you hide</h2>
      {LISTS.map(
        (list) =>
          (list.name !== 'Banned' || data?.viewer?.isModerator) && (
            <Section key={list.name} name={list.name}>
              <People list={list} />
            </Section>
          ),
      )}
      {data?.viewer?.isModerator && (
        <Section name="What moderators did">
          <ModerationLog />
        </Section>
      )}
    </section>
  );
}

/** A list that is asked for when it is opened. */
function Section({ name, children }: { name: string; children: ReactNode }) {
  const [open, setOpen] = useState(false);
  return (
    <details onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>{name}</summary>
      {open && children}
    </details>
  );
}

function People({ list: { name, document, undo, action, empty } }: { list: List }) {
  const { data, error, fetchMore, refetch } = useQuery(document);
  if (error && !data) return <Trouble error={error} retry={refetch} />;
  return (
    <Rows
      label={name}
      page={data?.list.pageInfo}
      load={(after) => fetchMore({ variables: { after } })}
      empty={empty}
    >
      {data?.list.edges.map(({ node: user }) => (
        <li key={user.id} className="row">
          <Avatar username={user.username} name={user.displayName} />
          <Link to={`/user/${user.username}`} className="who">
            <bdi className="name">{user.displayName}</bdi> <bdi className="handle">{user.handle ?? `@${user.username}`}</bdi>
          </Link>
          <button type="button" className="follow" aria-label={`${action} @${user.username}`} onClick={() => hide(undo, user)}>
            {action}
          </button>
        </li>
      ))}
    </Rows>
  );
}
