import { useQuery } from '@apollo/client/react';
import { useCallback } from 'react';
import { WallHeadDocument } from '../generated/documents';
import { Link } from '../page/Link';
import { wallSource } from './source';
import { Wall } from './Wall';

/** `/wall/SLUG`: the wall that a moderator made for an event. */
export function EventWall({ slug }: { slug: string }) {
  const { data } = useQuery(WallHeadDocument, { variables: { slug } });
  const source = useCallback((retweets: boolean) => wallSource(slug, retweets), [slug]);
  const tags = data?.wall?.hashtags.map(({ id, name }) => (
    <Link key={id} to={`/hashtag/${encodeURIComponent(name)}`} className="wall-tag">
      <bdi>#{name}</bdi>
    </Link>
  ));
  return (
    <Wall
      title={data?.wall?.title ?? slug}
      source={source}
      about={tags}
      empty="Nothing has been written for this wall yet. What comes appears here."
    />
  );
}
