// What the operator of the server decided, as the page says it.

function said(name: string): string | undefined {
  return document.querySelector<HTMLMetaElement>(`meta[name="${name}"]`)?.content;
}

/** The weighted length of the longest tweet: `--tweet-length`. */
export const LONGEST = Number(said('tweet-length') ?? 280);

/** Whether anybody may sign up: `--sign-up`. */
export const SIGN_UP = said('sign-up') !== 'off';

/** Whether there are feeds for readers of news: not where only members may read. */
export const FEEDS = said('feeds') !== 'off';
