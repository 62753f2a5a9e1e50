import { useQuery } from '@apollo/client/react';
import { useEffect, useState } from 'react';
import { NamesDocument, SearchDocument } from '../generated/documents';
import { go, useAddress } from '../page/path';
import { Title } from '../page/Title';
import { Trouble } from '../page/Trouble';
import { TweetList } from '../tweet/TweetList';
import { TagRow, UserRow } from '../user/Rows';
import { Discover } from './Discover';

/** How long one has to have stopped typing, in milliseconds. */
const PAUSE = 250;

/** `/search?q=TEXT` */
export function Search() {
  const asked = useAddress().searchParams.get('q') ?? '';
  const [text, setText] = useState(asked);
  useEffect(() => setText((typed) => (typed.trim() === asked ? typed : asked)), [asked]);
  useEffect(() => {
    const wanted = text.trim();
    if (wanted === asked) return undefined;
    const to = wanted ? `/search?q=${encodeURIComponent(wanted)}` : '/search';
    const timer = window.setTimeout(() => go(to, { replace: true }), PAUSE);
    return () => window.clearTimeout(timer);
  }, [text, asked]);
  return (
    <section className="page">
      <Title title="Search" />
      <form role="search" className="search" onSubmit={(event) => event.preventDefault()}>
        <input
          type="search"
          aria-label="Search"
          placeholder="People, hashtags, words"
          dir="auto"
          autoFocus
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
      </form>
      {asked ? <Found text={asked} /> : <Discover />}
    </section>
  );
}

function Found({ text }: { text: string }) {
  const names = useQuery(NamesDocument, { variables: { text: text.replace(/^[#@]/, '') } });
  const { data, error, fetchMore, refetch } = useQuery(SearchDocument, { variables: { text } });
  const { users, hashtags } = names.data ?? {};
  const named = (users?.edges.length ?? 0) + (hashtags?.length ?? 0);
  return (
    <>
      {named > 0 && (
        <ul className="rows" aria-label="People and hashtags">
          {hashtags?.map((tag) => <TagRow key={tag.id} tag={tag} />)}
          {users?.edges.map(({ node }) => <UserRow key={node.id} user={node} />)}
        </ul>
      )}
      {error && !data && <Trouble error={error} retry={refetch} />}
      <TweetList
        label="Tweets"
        list={data?.tweets}
        load={(after) => fetchMore({ variables: { after } })}
        empty={named > 0 ? 'No tweet has this in its text.' : 'Nothing was found.'}
      />
    </>
  );
}
