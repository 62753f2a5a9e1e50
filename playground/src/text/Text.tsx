// A tweet's text with its hashtags, mentions and links.

import { memo } from 'react';
import { Link } from '../page/Link';
import { Outside } from '../page/Outside';
import { parts } from './entities';
import type { Part } from './entities';

type Props = {
  text: string;
  /** As BCP 47 has it, where it is known. */
  language: string | null;
  /** The users that the server found mentioned: other names are only text. */
  mentions: readonly { username: string }[];
};

export const Text = memo(function Text({ text, language, mentions }: Props) {
  const known = new Set(mentions.map(({ username }) => username.toLowerCase()));
  return (
    <p className="text" dir="auto" lang={language ?? undefined}>
      {parts(text).map((part, index) => (
        <Marked key={index} part={part} known={known} />
      ))}
    </p>
  );
});

function Marked({ part, known }: { part: Part; known: Set<string> }) {
  switch (part.kind) {
    case 'hashtag':
      return <Link to={`/hashtag/${encodeURIComponent(part.name)}`}>{part.text}</Link>;
    case 'mention':
      if (!known.has(part.username.toLowerCase())) return part.text;
      return <Link to={`/user/${part.username}`}>{part.text}</Link>;
    case 'link':
      return (
        <Outside to={part.url}>
          <bdi dir="ltr">{part.text.replace(/^https?:\/\//i, '')}</bdi>
        </Outside>
      );
    case 'text':
      return part.text;
  }
}
