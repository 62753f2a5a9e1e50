// A live wall as a test sees it.

import { visit } from './browser.mjs';

export const texts = (page) => page.locator('article .text').allTextContents();
export const count = async (page) => Number((await page.getByTestId('tweet-count').textContent()).replace(/\D/g, ''));

/** A hashtag's wall, listening. */
export const wall = (browser, tag, options) => wallAt(browser, `/hashtag/${encodeURIComponent(tag)}`, options);

/** Any wall, listening. */
export async function wallAt(browser, path, options) {
  const visited = await visit(browser, path, options);
  await visited.page.locator('.wall .list[aria-busy=false]').waitFor({ state: 'attached' });
  return visited;
}
