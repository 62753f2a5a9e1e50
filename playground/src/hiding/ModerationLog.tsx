// What moderators did: who, to whom or to which wall, and why. For moderators.

import { useQuery } from '@apollo/client/react';
import { ModerationLogDocument } from '../generated/documents';
import type { PersonFragment } from '../generated/documents';
import { Link } from '../page/Link';
import { Rows } from '../page/Rows';
import { Trouble } from '../page/Trouble';
import { Time } from '../text/Time';

/** What stands between who did and to whom. */
const DID: Record<string, string> = {
  ban: 'banned',
  unban: 'unbanned',
  promote: 'made a moderator of',
  setPassword: 'set the password of',
  putWall: 'put up the wall',
  deleteWall: 'took down the wall',
};

export function ModerationLog() {
  const { data, error, fetchMore, refetch } = useQuery(ModerationLogDocument, { fetchPolicy: 'cache-and-network' });
  if (error && !data) return <Trouble error={error} retry={refetch} />;
  return (
    <Rows
      label="What moderators did"
      page={data?.log.pageInfo}
      load={(after) => fetchMore({ variables: { after } })}
      empty="Moderators have done nothing yet."
    >
      {data?.log.edges.map(({ cursor, node: { act, wall, byOperator, reason, createdAt, user, moderator } }) => (
        <li key={cursor} className="act">
          <p>
            {byOperator ? 'The operator' : <Who user={moderator} />} {DID[act] ?? act}{' '}
            {wall === null ? <Who user={user} /> : <Link to={`/wall/${wall}`}>{wall}</Link>} <Time at={createdAt} />
          </p>
          {reason && <p dir="auto">{reason}</p>}
        </li>
      ))}
    </Rows>
  );
}

function Who({ user }: { user: PersonFragment | null }) {
  if (!user) return <>somebody who has left</>;
  return (
    <Link to={`/user/${user.username}`}>
      <bdi>{user.handle ?? `@${user.username}`}</bdi>
    </Link>
  );
}
