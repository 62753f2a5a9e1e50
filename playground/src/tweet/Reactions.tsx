// What one can do with a tweet.

import { useState } from 'react';
import type { CardFragment } from '../generated/documents';
import { HideMenu } from '../hiding/HideMenu';
import { Icon } from '../page/Icon';
import type { IconName } from '../page/Icon';
import { go } from '../page/path';
import { Question } from '../page/Question';
import { session } from '../session';
import { shortNumber } from '../text/time';
import { toggleLike, toggleRetweet } from './reactions';
import { remove } from './write';

type Props = { tweet: CardFragment; own: boolean; reply: () => void; edit: () => void };

export function Reactions({ tweet, own, reply, edit }: Props) {
  const [asking, setAsking] = useState(false);
  const signedIn = (act: (tweet: CardFragment) => void) => () => (session() ? act(tweet) : go('/log-in'));
  return (
    <footer className="reactions">
      <Reaction name="Reply" icon="reply" count={tweet.replyCount} act={reply} />
      <Reaction
        name="Retweet"
        icon="retweet"
        count={tweet.retweetCount}
        on={tweet.viewerHasRetweeted}
        act={signedIn(toggleRetweet)}
      />
      <Reaction name="Like" icon="heart" count={tweet.likeCount} on={tweet.viewerHasLiked} act={signedIn(toggleLike)} />
      {own && <Reaction name="Edit" icon="edit" act={edit} />}
      {own && <Reaction name="Delete" icon="trash" act={() => setAsking(true)} />}
      {asking && (
        <Question
          title="Delete this tweet?"
          action="Delete"
          act={() => remove(tweet.id)}
          keep="Keep it"
          over={() => setAsking(false)}
        >
          <p>It is gone for everybody at once.</p>
        </Question>
      )}
      <HideMenu user={tweet.author} className="reaction dots" />
    </footer>
  );
}

type ReactionProps = { name: string; icon: IconName; count?: number; on?: boolean; act: () => void };

function Reaction({ name, icon, count, on, act }: ReactionProps) {
  const label = count === undefined ? name : `${name}, ${count}`;
  return (
    <button type="button" className={`reaction ${icon}`} aria-pressed={on} aria-label={label} title={name} onClick={act}>
      <Icon name={icon} />
      {count !== undefined && count > 0 && <span aria-hidden="true">{shortNumber(count)}</span>}
    </button>
  );
}
