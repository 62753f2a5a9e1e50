// A tweet, wherever it stands.

import { useState } from 'react';
import type { ReactNode } from 'react';
import type { CardFragment } from '../generated/documents';
import { Icon } from '../page/Icon';
import { Link } from '../page/Link';
import { Outside } from '../page/Outside';
import { go } from '../page/path';
import { useSession } from '../session';
import { Text } from '../text/Text';
import { Byline } from './Byline';
import { Composer } from './Composer';
import { Reactions } from './Reactions';
import { edit, post } from './write';

type Props = {
  tweet: CardFragment;
  /** Why it stands here: "Alice retweeted". */
  reason?: ReactNode;
  /** The tweet that a page is about. */
  large?: boolean;
};

/** `/tweet/1` for `Tweet:1`. */
export const tweetPath = (id: string) => `/tweet/${id.replace(/^Tweet:/, '')}`;

export function Tweet({ tweet, reason, large = false }: Props) {
  const viewer = useSession()?.username;
  const [writing, setWriting] = useState<'reply' | 'edit' | null>(null);
  const { id, text, author, mentions, inReplyTo } = tweet;
  const done = () => setWriting(null);
  return (
    <article className={large ? 'tweet large' : 'tweet'} tabIndex={-1} data-id={id} aria-label={author.displayName}>
      {reason && <p className="reason">{reason}</p>}
      {author.isBanned && <p className="reason">Banned: only moderators see this</p>}
      <Byline author={author} at={tweet.createdAt} edited={tweet.editedAt !== null} to={tweetPath(id)} />
      {inReplyTo && !large && (
        <p className="answers">
          Answers <Link to={tweetPath(inReplyTo.id)}>@{inReplyTo.author.username}</Link>
        </p>
      )}
      {writing === 'edit' ? (
        <Composer
          label="Edit the tweet"
          action="Save"
          place={`edit:${id}`}
          text={text}
          autoFocus
          send={(changed) => edit(id, changed).then(done)}
          cancel={done}
        />
      ) : (
        <Text text={text} language={tweet.language} mentions={mentions} />
      )}
      {tweet.url && (
        <p className="origin">
          <Outside to={tweet.url}>Original</Outside>
        </p>
      )}
      <Reactions
        tweet={tweet}
        own={author.username === viewer}
        reply={() => (viewer ? setWriting(writing === 'reply' ? null : 'reply') : go('/log-in'))}
        edit={() => setWriting('edit')}
      />
      {writing === 'reply' && (
        <Composer
          label={`Reply to @${author.username}`}
          action="Reply"
          place={`reply:${id}`}
          text={author.username === viewer ? '' : `@${author.username} `}
          autoFocus
          send={(answer, key) => post(answer, id, key).then(done)}
          cancel={done}
        />
      )}
    </article>
  );
}

/** Stands where a tweet was. */
export function Gone() {
  return (
    <p className="gone">
      <Icon name="trash" /> This tweet is gone.
    </p>
  );
}
