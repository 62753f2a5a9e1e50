// The length of a text as the server counts it: twitter-text's weighted length, configuration v3.

import parseTweet from 'twitter-text/dist/esm/parseTweet';

/** Where the server was started without `--tweet-length`. */
export const LONGEST = 280;

export function weightedLength(text: string): number {
  return parseTweet(text).weightedLength;
}
