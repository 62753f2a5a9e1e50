// The four lists of a profile.

import { useQuery } from '@apollo/client/react';
import {
  UserFollowersDocument,
  UserFollowingDocument,
  UserLikesDocument,
  UserTweetsDocument,
} from '../generated/documents';
import type { UserFollowingQuery } from '../generated/documents';
import { Rows } from '../page/Rows';
import { TweetList } from '../tweet/TweetList';
import { TagRow, UserRow } from './Rows';

type Props = { username: string };

export function Tweets({ username }: Props) {
  const { data, fetchMore } = useQuery(UserTweetsDocument, { variables: { username } });
  const load = (after: string | null) => fetchMore({ variables: { after } });
  return <TweetList label="Tweets" list={data?.user?.tweets} load={load} empty="No tweets yet." />;
}

export function Likes({ username }: Props) {
  const { data, fetchMore } = useQuery(UserLikesDocument, { variables: { username } });
  const load = (after: string | null) => fetchMore({ variables: { after } });
  return <TweetList label="Likes" list={data?.user?.likes} load={load} empty="No likes yet." />;
}

export function Followers({ username }: Props) {
  const { data, fetchMore } = useQuery(UserFollowersDocument, { variables: { username } });
  const list = data?.user?.followers;
  return (
    <Rows page={list?.pageInfo} load={(after) => fetchMore({ variables: { after } })} empty="No followers yet.">
      {list?.edges.map(({ node }) => <UserRow key={node.id} user={node} />)}
    </Rows>
  );
}

export function Following({ username }: Props) {
  const { data, fetchMore } = useQuery(UserFollowingDocument, { variables: { username } });
  const list = data?.user?.following;
  return (
    <Rows page={list?.pageInfo} load={(after) => fetchMore({ variables: { after } })} empty="Follows nobody yet.">
      {list?.edges.map(({ node }, index) => <Followed key={'id' in node ? node.id : index} node={node} />)}
    </Rows>
  );
}

type Node = NonNullable<UserFollowingQuery['user']>['following']['edges'][number]['node'];

function Followed({ node }: { node: Node }) {
  switch (node.__typename) {
    case 'User':
      return <UserRow user={node} />;
    case 'Hashtag':
      return <TagRow tag={node} />;
    case 'ExternalObject':
      return (
        <li className="row">
          <span className="who">
            <bdi className="name">{node.name}</bdi> <span className="handle">{node.type}</span>
          </span>
        </li>
      );
    default:
      return null;
  }
}
