import { memo } from 'react';
import type { PersonFragment, StandingFragment } from '../generated/documents';
import { HideMenu } from '../hiding/HideMenu';
import { Link } from '../page/Link';
import { Icon } from '../page/Icon';
import { Text } from '../text/Text';
import { shortNumber } from '../text/time';
import { Byline } from '../tweet/Byline';
import { tweetPath } from '../tweet/Tweet';
import type { Card } from './board';

/** A tweet on a wall: to be read, not to be answered. One can do something about who wrote it. */
export const PostCard = memo(function PostCard({ card: { post, by, fresh } }: { card: Card }) {
  const { id, text, author, mentions, createdAt, editedAt, likeCount, retweetCount } = post;
  return (
    <article className={fresh ? 'tweet post fresh' : 'tweet post'} tabIndex={-1} data-id={id} aria-label={author.displayName}>
      {by && (
        <p className="reason">
          <Icon name="retweet" />{' '}
          <Link to={`/user/${by.username}`}>
            <bdi>{by.displayName}</bdi>
          </Link>{' '}
          retweeted
        </p>
      )}
      <Byline author={author} at={createdAt} edited={editedAt !== null} to={tweetPath(id)}>
        <HideMenu user={shown(author)} className="reaction dots" />
      </Byline>
      <Text text={text} language={post.language} mentions={mentions} />
      {likeCount + retweetCount > 0 && (
        <p className="tallies">
          {retweetCount > 0 && (
            <span>
              <Icon name="retweet" /> {shortNumber(retweetCount)} <span className="hidden">retweets</span>
            </span>
          )}
          {likeCount > 0 && (
            <span>
              <Icon name="heart" /> {shortNumber(likeCount)} <span className="hidden">likes</span>
            </span>
          )}
        </p>
      )}
    </article>
  );
});

/** Of those who are hidden in any way a wall shows nothing. */
const shown = ({ __typename, id, username }: PersonFragment): StandingFragment => ({
  __typename,
  id,
  username,
  viewerIsMuting: false,
  viewerIsBlocking: false,
  isBanned: false,
});
