// What the app uses of twitter-text. The single files leave out most of the package.

type TwitterTextEntity = { indices: [number, number] } & (
  | { hashtag: string }
  | { screenName: string; listSlug: string }
  | { url: string }
  | { cashtag: string }
);

declare module 'twitter-text/dist/esm/extractEntitiesWithIndices' {
  export default function extractEntitiesWithIndices(text: string): TwitterTextEntity[];
}

declare module 'twitter-text/dist/esm/parseTweet' {
  export default function parseTweet(text: string): { weightedLength: number; valid: boolean };
}
