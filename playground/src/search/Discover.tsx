import { useQuery } from '@apollo/client/react';
import { DiscoverDocument } from '../generated/documents';
import { Icon } from '../page/Icon';
import { Link } from '../page/Link';
import { Trouble } from '../page/Trouble';
import { counted } from '../text/time';
import { TagRow } from '../user/Rows';

/** What there is to see, for one who does not know yet what to look for. */
export function Discover() {
  const { data, error, refetch } = useQuery(DiscoverDocument);
  if (error && !data) return <Trouble error={error} retry={refetch} />;
  const { walls = [], trendingHashtags = [] } = data ?? {};
  return (
    <>
      {walls.length > 0 && (
        <section className="discover" aria-labelledby="walls">
          <h2 id="walls">Live walls</h2>
          <ul className="rows">
            {walls.map(({ id, slug, title, tweetCount }) => (
              <li key={id} className="row">
                <span className="avatar tag" aria-hidden="true">
                  <Icon name="screen" />
                </span>
                <Link to={`/wall/${slug}`} className="who">
                  <bdi className="name">{title}</bdi> <span className="handle">{counted(tweetCount, 'tweet')}</span>
                </Link>
              </li>
            ))}
          </ul>
        </section>
      )}
      {trendingHashtags.length > 0 && (
        <section className="discover" aria-labelledby="trends">
          <h2 id="trends">Hashtags of the day</h2>
          <ul className="rows">
            {trendingHashtags.map((tag) => (
              <TagRow key={tag.id} tag={tag} />
            ))}
          </ul>
        </section>
      )}
    </>
  );
}
