// The length of a text as the server counts it: twitter-text's weighted length, configuration v3.

import parseTweet from 'twitter-text/dist/esm/parseTweet';

export function weightedLength(text: string): number {
  return parseTweet(text).weightedLength;
}
