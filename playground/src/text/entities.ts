// A text cut where twitter-text finds a hashtag, a mention or a link in it. The server finds the
// same; the API gives the names without their places.

import extractEntitiesWithIndices from 'twitter-text/dist/esm/extractEntitiesWithIndices';

export type Part =
  | { kind: 'text'; text: string }
  | { kind: 'hashtag'; text: string; name: string }
  | { kind: 'mention'; text: string; username: string }
  | { kind: 'link'; text: string; url: string };

export function parts(text: string): Part[] {
  const found: Part[] = [];
  let done = 0;
  for (const entity of extractEntitiesWithIndices(text)) {
    const [start, end] = entity.indices;
    const part = marked(entity, text.slice(start, end));
    if (!part) continue;
    if (start > done) found.push({ kind: 'text', text: text.slice(done, start) });
    found.push(part);
    done = end;
  }
  if (done < text.length) found.push({ kind: 'text', text: text.slice(done) });
  return found;
}

function marked(entity: TwitterTextEntity, text: string): Part | null {
  if ('hashtag' in entity) return { kind: 'hashtag', text, name: entity.hashtag.toLowerCase() };
  if ('screenName' in entity) return { kind: 'mention', text, username: entity.screenName };
  if ('url' in entity) return { kind: 'link', text, url: /^https?:/i.test(text) ? text : `https://${text}` };
  return null; // What stands on the stock exchange is only text here.
}
