// Beside a wall: who writes most, and what is retweeted most.

import { memo, useEffect, useRef, useState } from 'react';
import { Link } from '../page/Link';
import { wholeNumber } from '../text/time';
import { tweetPath } from '../tweet/Tweet';
import { Avatar } from '../user/Avatar';
import type { Source, Tops as Found } from './source';

/** How often they are looked at while the wall moves, in milliseconds. */
const EVERY = 5_000;

/** Where there is room for two columns. */
const wide = window.matchMedia('(min-width: 1001px)');

export function Tops({ source, moved }: { source: Source; moved: unknown }) {
  return <Lists tops={useTops(source, moved)} />;
}

/** Drawn when they change, and not whenever the wall moves. */
const Lists = memo(function Lists({ tops: { users, tweets } }: { tops: Found }) {
  return (
    <aside className="wall-aside" aria-label="Most active and most retweeted">
      {users.length > 0 && (
        <details open={wide.matches}>
          <summary>Top users</summary>
          <ol className="tops">
            {users.map(({ user, tweetCount }) => (
              <li key={user.id} className="row">
                <Avatar username={user.username} name={user.displayName} />
                <Link to={`/user/${user.username}`} className="who">
                  <bdi className="name">{user.displayName}</bdi> <bdi className="handle">@{user.username}</bdi>
                </Link>
                <b className="tally">
                  {wholeNumber(tweetCount)} <span className="hidden">tweets</span>
                </b>
              </li>
            ))}
          </ol>
        </details>
      )}
      {tweets.length > 0 && (
        <details open={wide.matches}>
          <summary>Top tweets</summary>
          <ol className="tops">
            {tweets.map(({ id, text, author, retweetCount }) => (
              <li key={id} className="row">
                <Link to={tweetPath(id)} className="who">
                  <bdi className="name">{author.displayName}</bdi>
                  <span className="excerpt" dir="auto">
                    {text}
                  </span>
                </Link>
                <b className="tally">
                  {wholeNumber(retweetCount)} <span className="hidden">retweets</span>
                </b>
              </li>
            ))}
          </ol>
        </details>
      )}
    </aside>
  );
});

/** Looked at again when the wall has moved, but not all the time. */
function useTops(source: Source, moved: unknown): Found {
  const [tops, setTops] = useState<Found>({ users: [], tweets: [] });
  const asked = useRef<{ source: Source; at: number }>(undefined);
  useEffect(() => {
    const last = asked.current?.source === source ? asked.current.at : 0;
    const look = () => {
      const question = { source, at: Date.now() };
      asked.current = question;
      const show = (found: Found) => asked.current === question && setTops(found);
      // What could not be had now is asked for when the wall moves again.
      source.tops().then(show, () => {});
    };
    const timer = window.setTimeout(look, Math.max(0, last + EVERY - Date.now()));
    return () => window.clearTimeout(timer);
  }, [source, moved]);
  return tops;
}
