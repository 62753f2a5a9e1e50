import type { ReactNode } from 'react';
import type { CardFragment } from '../generated/documents';
import { Feed } from '../page/Feed';
import { More } from '../page/More';
import { Tweet } from './Tweet';

type Props = {
  label: string;
  /** As a connection gives them; nothing while they are under way. */
  list: { edges: { node: CardFragment }[]; pageInfo: { hasNextPage: boolean; endCursor: string | null } } | undefined;
  load: (after: string | null) => Promise<unknown>;
  empty: ReactNode;
};

/** A list of tweets that goes on as one reads. */
export function TweetList({ label, list, load, empty }: Props) {
  if (!list) return <div className="list" aria-busy="true" />;
  return (
    <>
      <Feed label={label}>
        {list.edges.map(({ node }) => (
          <Tweet key={node.id} tweet={node} />
        ))}
      </Feed>
      {list.edges.length === 0 && <p className="empty">{empty}</p>}
      <More more={list.pageInfo.hasNextPage} load={() => load(list.pageInfo.endCursor)} />
    </>
  );
}
