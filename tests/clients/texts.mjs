// The app finds hashtags and links where twitter-text does, and counts as it does: its own
// conformance cases, posted to a real server and read in a real browser.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { launch, quiet, signedIn, visit } from './browser.mjs';
import { base, check, main, post, same, signUp, until } from './check.mjs';

const DATA = process.env.LINNET_TEST_DATA ?? join(import.meta.dirname, '../../../shared/data');

const cases = (file, section) => parse(readFileSync(join(DATA, `twitter-text/${file}.yml`), 'utf8')).tests[section];

/** What the page of a writer marks up, tweet by tweet, oldest first. */
async function marked(page, username, kind, total) {
  await page.goto(`${base}/user/${username}`);
  const articles = page.locator('article');
  await until(`${total} tweets with ${kind}`, async () => (await page.mouse.wheel(0, 5000), articles.count()), (n) => n === total, 30);
  const found = await page.locator('article .text').evaluateAll((texts, kind) => {
    const isTag = (link) => link.getAttribute('href').startsWith('/hashtag/');
    const link = kind === 'hashtags' ? isTag : (each) => each.target === '_blank';
    return texts.map((text) => [...text.querySelectorAll('a')].filter(link).map((a) => a.textContent));
  }, kind);
  return found.reverse();
}

async function conforms(page, kind, text) {
  const writer = await signUp();
  const posted = [];
  for (const example of cases('extract', kind)) {
    await post(example.text, writer.token).then(() => posted.push(example), () => {}); // Some are no tweet.
  }
  const found = await marked(page, writer.user.username, kind, posted.length);
  const wrong = posted.flatMap(({ text: source, expected }, index) => {
    const wanted = JSON.stringify(expected.map(text));
    const got = JSON.stringify(found[index].map(text));
    return got === wanted ? [] : [`${source}: ${got} instead of ${wanted}`];
  });
  same(`${posted.length} texts with ${kind}`, wrong, []);
}

async function counts(page) {
  await page.goto(`${base}/`);
  const field = page.getByLabel('What is happening?');
  const wrong = [];
  const sections = ['WeightedTweetsWithDiscountedEmojiCounterTest', 'UnicodeDirectionalMarkerCounterTest'];
  const examples = sections.flatMap((section) => cases('validate', section));
  for (const { text, expected } of examples) {
    await field.fill(text);
    const left = parseInt(await page.getByTestId('characters-left').textContent(), 10);
    if (280 - left !== expected.weightedLength) wrong.push(`${text}: ${280 - left} instead of ${expected.weightedLength}`);
  }
  same(`${examples.length} lengths`, wrong, []);
}

await main(async () => {
  if (!existsSync(DATA)) {
    check('shared data is there', process.env.LINNET_TEST_REQUIRE_ALL !== '1');
    return;
  }
  const browser = await launch();
  const { page } = await visit(browser, '/', { init: signedIn(await signUp()) });
  await counts(page);
  await conforms(page, 'hashtags', (name) => name.replace(/^[#＃]/, ''));
  await conforms(page, 'urls', (url) => url.replace(/^https?:\/\//i, ''));
  quiet();
  await browser.close();
});
