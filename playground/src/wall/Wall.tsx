// A live wall: what a hashtag's and an organiser's wall have in common.

import { useMemo } from 'react';
import type { ReactNode } from 'react';
import { Feed } from '../page/Feed';
import { Icon } from '../page/Icon';
import { More } from '../page/More';
import { Title } from '../page/Title';
import { Trouble } from '../page/Trouble';
import { wholeNumber } from '../text/time';
import { Newer } from '../timeline/Newer';
import { useAtTop } from '../timeline/useHeld';
import { KEPT } from './board';
import type { Card } from './board';
import { PostCard } from './PostCard';
import type { Source } from './source';
import { Tops } from './Tops';
import { useBoard } from './useBoard';
import { useProjector } from './useProjector';
import { useRetweets } from './useRetweets';

/** How long a hall has for one tweet, in milliseconds. */
const PACE = 2_500;

type Props = {
  title: string;
  source: (retweets: boolean) => Source;
  /** What it gathers. */
  about?: ReactNode;
  /** What can be done with it. */
  tools?: ReactNode;
  empty: string;
};

export function Wall({ title, source, about, tools, empty }: Props) {
  const [retweets, setRetweets] = useRetweets();
  const [projector, setProjector] = useProjector();
  const top = useAtTop();
  const from = useMemo(() => source(retweets), [source, retweets]);
  const { board, error, show, more } = useBoard(from, projector ? PACE_MODE : top ? 'live' : 'hold');
  return (
    <section className={projector ? 'wall projector' : 'wall'}>
      <header className="wall-head">
        <Title title={title}>
          <bdi>{title}</bdi>
        </Title>
        {about}
        <p className="wall-count" aria-live="off">
          <b data-testid="tweet-count">{board ? wholeNumber(board.count) : '…'}</b> {board?.count === 1 ? 'tweet' : 'tweets'}
        </p>
        <div className="wall-tools">
          {tools}
          <label className="switch">
            <input type="checkbox" role="switch" checked={retweets} onChange={(event) => setRetweets(event.target.checked)} />
            Show retweets
          </label>
          <button type="button" className="plain" aria-pressed={projector} onClick={() => setProjector(!projector)}>
            <Icon name="screen" /> Projector
          </button>
        </div>
      </header>
      <div className="wall-body">
        <div className="wall-tweets">
          {error !== null && <Trouble error={error} />}
          {!projector && <Newer count={board?.waitingCount ?? 0} show={show} />}
          <Feed label={title} busy={!board}>
            {board?.shown.map((card) => <PostCard key={keyOf(card)} card={card} />)}
          </Feed>
          {board && error === null && board.shown.length === 0 && board.waitingCount === 0 && <p className="empty">{empty}</p>}
          {board && !projector && <More key={board.older} more={board.older !== null} load={more} />}
          {board && board.older === null && board.shown.length >= KEPT && (
            <p className="empty">Further down a live wall does not go.</p>
          )}
        </div>
        <Tops source={from} moved={board} />
      </div>
    </section>
  );
}

/** A tweet that rises again is another card: those that stay are not moved for it. */
const keyOf = ({ post, by }: Card) => `${post.id} ${by?.id ?? ''}`;

const PACE_MODE = { every: PACE };
