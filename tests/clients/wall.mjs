// Live walls in real browsers: what is posted, edited, deleted and retweeted shows at once, and
// nothing jumps.

import { accessible } from './axe.mjs';
import { launch, picture, quiet, visit } from './browser.mjs';
import { ask, becomes, check, DELETE_TWEET, EDIT_TWEET, main, post, same, signUp, unique, until, write } from './check.mjs';
import { start } from './server.mjs';
import { count, texts, wall, wallAt } from './wall-page.mjs';

const reasons = async (page) => (await page.locator('article .reason').allTextContents()).map((reason) => reason.trim());
const scrolled = (page) => page.evaluate(() => window.scrollY);
const edit = (id, text, token) => ask(EDIT_TWEET, { input: { id, text } }, token);
const remove = (id, token) => ask(DELETE_TWEET, { input: { id } }, token);

/** What is posted shows in each of two browsers, and what happens to it happens where it stands. */
async function shows(browser, ada) {
  const tag = unique('wall');
  const { page } = await wall(browser, tag);
  const { page: other } = await wall(browser, tag, { viewport: { width: 390, height: 844 }, colorScheme: 'dark' });
  await page.getByText(`Nobody has written about #${tag} yet`).waitFor();
  same('a hashtag without tweets counts none', await count(page), 0);

  const begun = Date.now();
  const first = await post(`First #${tag}`, ada.token);
  await page.getByText(`First #${tag}`).waitFor();
  console.log(`        seen ${Date.now() - begun} ms after the request to post it began`);
  const second = await post(`Second #${tag} of @${ada.user.username}, see example.com/x and @nobody_here`, ada.token);
  const third = await post(`שלום #${tag}`, ada.token);
  const expected = [`שלום #${tag}`, `Second #${tag} of @${ada.user.username}, see example.com/x and @nobody_here`, `First #${tag}`];
  for (const [name, each] of [['one', page], ['the other', other]]) {
    await becomes(`newest first in ${name} browser`, () => texts(each), expected);
    await becomes(`the count in ${name} browser`, () => count(each), 3);
  }
  const links = await page.locator('article').nth(1).locator('.text a').evaluateAll((all) => all.map((a) => a.getAttribute('href')));
  same('hashtags, mentions and links are marked up', links, [`/hashtag/${tag}`, `/user/${ada.user.username}`, 'https://example.com/x']);
  const right = page.getByText('שלום');
  same('text from right to left stands at the right', await right.evaluate((p) => getComputedStyle(p).direction), 'rtl');

  await edit(second.id, `Edited #${tag}`, ada.token);
  await becomes('an edit in place', () => texts(page), [expected[0], `Edited #${tag}`, expected[2]]);
  await page.locator('article').nth(1).locator('.edited').waitFor();
  await remove(first.id, ada.token);
  await becomes('a deletion in place', () => texts(page), [expected[0], `Edited #${tag}`]);
  await becomes('and counted', () => count(page), 2);
  await edit(third.id, 'Without it', ada.token);
  await becomes('edited out of the hashtag', () => texts(page), [`Edited #${tag}`]);
  await edit(third.id, `Back #${tag}`, ada.token);
  await becomes('and in again', () => texts(page), [`Back #${tag}`, `Edited #${tag}`]);

  await accessible(page, 'a wall');
  await accessible(other, 'a wall on a phone in the dark');
  same('nothing sticks out at 390 px', await other.evaluate(() => document.documentElement.scrollWidth), 390);
  await picture(page, 'wall');
  await page.context().close();
  await other.context().close();
}

/** Retweets move a tweet up, and a switch that is remembered leaves them out. */
async function retweets(browser, ada) {
  const tag = unique('rt');
  const { page, context } = await wall(browser, tag);
  const first = await post(`First #${tag}`, ada.token);
  await post(`Second #${tag}`, ada.token);
  await becomes('two tweets', () => texts(page), [`Second #${tag}`, `First #${tag}`]);
  const bob = await signUp();
  await write('retweet', 'TweetRefInput', { id: first.id }, bob.token);
  await becomes('a retweet comes up', () => texts(page), [`First #${tag}`, `Second #${tag}`]);
  check('with who retweeted it', (await page.locator('article').first().textContent()).includes(`${bob.user.username} retweeted`));
  await becomes('and counts no tweet', () => count(page), 2);
  await page.reload();
  await page.locator('.wall .list[aria-busy=false]').waitFor({ state: 'attached' });
  await becomes('who comes later sees who retweeted it', () => reasons(page), [`${bob.user.username} retweeted`]);

  await page.getByLabel('Show retweets').click();
  await becomes('without retweets', () => texts(page), [`Second #${tag}`, `First #${tag}`]);
  same('and without those who retweeted', await reasons(page), []);
  await page.reload();
  await page.locator('.wall .list[aria-busy=false]').waitFor({ state: 'attached' });
  check('the switch is remembered', !(await page.getByLabel('Show retweets').isChecked()));
  await write('retweet', 'TweetRefInput', { id: first.id }, ada.token);
  await post(`Third #${tag}`, ada.token);
  await becomes('a retweet stays out', () => texts(page), [`Third #${tag}`, `Second #${tag}`, `First #${tag}`]);
  await context.close();
}

/** Who reads further down is not disturbed. */
async function held(browser, ada) {
  const tag = unique('held');
  for (let number = 1; number <= 30; number += 1) await post(`Old ${number} #${tag}\n\nwith more\nthan one line`, ada.token);
  const { page, context } = await wall(browser, tag);
  await page.mouse.wheel(0, 1200);
  await until('scrolled down', () => scrolled(page), (y) => y > 800);
  const place = () => page.locator('article', { hasText: 'Old 15 ' }).evaluate((article) => Math.round(article.getBoundingClientRect().top));
  const before = await place();
  const posted = [];
  for (let number = 1; number <= 12; number += 1) posted.push(await post(`New ${number} #${tag}`, ada.token));
  const button = page.getByRole('button', { name: '12 new' });
  await button.waitFor();
  same('nothing has moved', await place(), before);
  await remove(posted[0].id, ada.token);
  await page.getByRole('button', { name: '11 new' }).waitFor();
  await edit(posted[1].id, `Newer #${tag}`, ada.token);
  await picture(page, 'wall-held');
  await page.getByRole('button', { name: '11 new' }).click();
  const expected = [...Array(10)].map((_, index) => `New ${12 - index} #${tag}`).concat(`Newer #${tag}`);
  await becomes('then all of it stands above', async () => (await texts(page)).slice(0, 11), expected);
  same('at the top', await scrolled(page), 0);
  await context.close();
}

/** Who is at a tweet by the keyboard is not led away with it when the wall lets it go. */
async function drifts(browser, ada) {
  const tag = unique('drift');
  await post(`The first #${tag}`, ada.token);
  const { page, context } = await wall(browser, tag);
  await page.getByText('The first').waitFor();
  await page.keyboard.press('j');
  const focused = () => page.evaluate(() => document.activeElement.tagName);
  same('a tweet has the focus', await focused(), 'ARTICLE');
  for (let number = 1; number <= 105; number += 1) await post(`${number} #${tag}`, ada.token);
  await becomes('the wall has let it go', () => page.getByText('The first').count(), 0);
  await becomes('the focus stays on the wall', focused, 'ARTICLE');
  same('and nothing has moved', await scrolled(page), 0);
  await context.close();
}

/** The mode for a hall. */
async function projector(browser, ada) {
  const tag = unique('hall');
  await post(`Welcome #${tag}`, ada.token);
  const { page, context } = await wall(browser, tag, { viewport: { width: 1920, height: 1080 } });
  const size = () => page.locator('article .text').first().evaluate((text) => parseFloat(getComputedStyle(text).fontSize));
  const small = await size();
  await page.getByRole('button', { name: 'Projector' }).click();
  await page.locator('.projector').waitFor();
  await becomes('full screen', () => page.evaluate(() => document.fullscreenElement !== null), true);
  check('with large type', (await size()) > 2 * small, [small, await size()]);
  for (const number of [1, 2, 3]) await post(`Slowly ${number} #${tag}`, ada.token);
  await becomes('one after the other', async () => (await texts(page))[0], `Slowly 1 #${tag}`);
  await becomes('to the last', async () => (await texts(page))[0], `Slowly 3 #${tag}`);
  await picture(page, 'projector');
  await page.keyboard.press('Escape');
  await becomes('Escape ends it', () => page.locator('.projector').count(), 0);
  await context.close();
}

/** The wall of an event gathers by hashtags, words and accounts, and says who is most active. */
async function gathers(browser) {
  const server = await start();
  const home = server.base;
  const moderator = await signUp(home, 'moderator');
  server.run('user', 'promote', 'moderator');
  const grace = await signUp(home, 'grace');
  const bob = await signUp(home, 'bob');
  const old = await post('Old #conf', bob.token, home);
  await write('putWall', 'PutWallInput', { slug: 'hall', title: 'The hall', hashtags: ['conf'], keywords: ['engine'], accounts: ['grace'] }, moderator.token, home);
  const { page, context } = await wallAt(browser, '/wall/hall', { home });
  await page.getByRole('heading', { name: 'The hall' }).waitFor();
  await becomes('what was there before', async () => (await page.reload(), await page.locator('article').first().waitFor(), texts(page)), ['Old #conf']);

  await post('About an Engine', bob.token, home);
  await post('Whatever I say', grace.token, home);
  await post('Elsewhere', bob.token, home);
  await post('At #Conf', bob.token, home);
  await becomes('a hashtag, a word, an account', () => texts(page), ['At #Conf', 'Whatever I say', 'About an Engine', 'Old #conf']);
  await becomes('and their count', () => count(page), 4);
  await write('retweet', 'TweetRefInput', { id: old.id }, grace.token, home);
  await becomes('a retweet comes up', async () => (await texts(page))[0], 'Old #conf');
  same('with who retweeted it', await reasons(page), ['grace retweeted']);
  await page.reload();
  await becomes('it stands there for who comes later', async () => (await texts(page))[0], 'Old #conf');
  same('with who retweeted it', await reasons(page), ['grace retweeted']);
  const top = page.getByRole('complementary');
  await becomes('top users', () => top.locator('details').first().locator('.handle').allTextContents(), ['@bob', '@grace']);
  await becomes('top tweets', async () => (await top.locator('.excerpt').allTextContents())[0], 'Old #conf');
  await accessible(page, "an event's wall");
  await picture(page, 'event-wall');

  const { page: lost } = await visit(browser, '/wall/nowhere', { home });
  await lost.getByText('There is no such wall.').waitFor();
  await ask('mutation { deleteWall(slug: "hall") }', {}, moderator.token, home);
  await page.getByText('This wall is closed.').waitFor();
  check('a wall that is deleted says so', true);
  await lost.context().close();
  await context.close();
  await server.end();
}

await main(async () => {
  const browser = await launch();
  const ada = await signUp();
  await shows(browser, ada);
  await retweets(browser, ada);
  await held(browser, ada);
  await drifts(browser, ada);
  await projector(browser, ada);
  await gathers(browser);
  quiet();
  await browser.close();
});
