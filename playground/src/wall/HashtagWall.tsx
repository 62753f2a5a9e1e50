import { useQuery } from '@apollo/client/react';
import { useCallback } from 'react';
import { HashtagFollowDocument } from '../generated/documents';
import { useSession } from '../session';
import { Follow } from '../user/Follow';
import { hashtagSource } from './source';
import { Wall } from './Wall';

/** `/hashtag/NAME` */
export function HashtagWall({ name }: { name: string }) {
  const session = useSession();
  const { data } = useQuery(HashtagFollowDocument, { variables: { name }, skip: !session });
  const source = useCallback((retweets: boolean) => hashtagSource(name, retweets), [name]);
  const tag = session && data?.hashtag;
  const shown = name.replace(/^#/, '');
  return (
    <Wall
      title={`#${shown}`}
      source={source}
      tools={tag && <Follow target={tag} name={`#${shown}`} />}
      empty={`Nobody has written about #${shown} yet. What is posted with it appears here.`}
    />
  );
}
