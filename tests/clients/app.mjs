// The app in real browsers, as people use it: two of them side by side where something is live.

import { accessible } from './axe.mjs';
import { launch, picture, quiet, signedIn, visit } from './browser.mjs';
import { ask, becomes, check, main, post, same, signUp, unique, until, write } from './check.mjs';

const tweet = (page, text) => page.locator('article', { hasText: text }).first();
const unseen = async (page) => (await page.getByTestId('unseen-count').allTextContents()).join('');
const composer = (page) => page.getByLabel('What is happening?');
const pressed = (button) => button.getAttribute('aria-pressed');
const follow = (id, token) => write('follow', 'FollowInput', { targetId: id }, token);

/** Signs up, logs out and in again by hand, and gives the page. */
async function enters(browser, username) {
  const { page } = await visit(browser, '/');
  await page.getByRole('heading', { level: 1 }).waitFor();
  await accessible(page, 'the first page');
  await page.getByRole('navigation', { name: 'Account' }).getByText('Sign up').click();
  await page.getByLabel('Username').fill(username);
  await page.getByLabel('Name', { exact: true }).fill('Ada Lovelace');
  await page.getByLabel('Password').fill('a long password');
  await page.getByRole('button', { name: 'Sign up' }).click();
  await page.getByRole('heading', { name: 'Home' }).waitFor();
  check('signing up leads home', new URL(page.url()).pathname === '/');

  await page.getByRole('link', { name: 'Settings' }).click();
  await accessible(page, 'the settings');
  await page.getByRole('button', { name: 'Log out' }).click();
  await page.getByRole('link', { name: 'Log in' }).first().click();
  await page.getByLabel('Username').fill(username);
  await page.getByLabel('Password').fill('a wrong password');
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByText('The username or the password is wrong.').waitFor();
  await page.getByLabel('Password').fill('a long password');
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('heading', { name: 'Home' }).waitFor();
  check('a wrong password is told, the right one leads home', true);
  return page;
}

/** Writes, with the counter and the hashtags that are offered. */
async function writes(page, tag) {
  const left = async () => parseInt(await page.getByTestId('characters-left').textContent(), 10);
  const button = page.getByRole('button', { name: 'Post' });
  await composer(page).fill('日本 👨‍👩‍👧 https://example.com/a/very/long/path/indeed');
  same('the count is that of twitter-text', await left(), 280 - (4 + 1 + 2 + 1 + 23));
  await composer(page).fill('x'.repeat(281));
  check('too much can not be sent', (await left()) === -1 && (await button.isDisabled()));
  await composer(page).fill(' ');
  check('nor can nothing', await button.isDisabled());

  await composer(page).fill('');
  await composer(page).pressSequentially(`Hello #${tag.slice(0, 6)}`);
  await page.getByRole('option', { name: `#${tag}` }).waitFor();
  await accessible(page, 'the composer with its hashtags');
  await page.keyboard.press('Enter');
  same('a hashtag is taken by the keyboard', await composer(page).inputValue(), `Hello #${tag} `);
  await page.keyboard.type('from the app');
  await page.keyboard.press('Control+Enter');
  await tweet(page, 'from the app').waitFor();
  same('the composer is empty again', await composer(page).inputValue(), '');
}

/** Answers, edits and deletes what is one's own. */
async function changes(page) {
  const own = tweet(page, 'from the app');
  await own.getByRole('button', { name: 'Edit' }).click();
  await page.getByLabel('Edit the tweet').fill('Changed in the app');
  await page.getByRole('button', { name: 'Save' }).click();
  await tweet(page, 'Changed in the app').locator('.edited').waitFor();
  const changed = tweet(page, 'Changed in the app');
  await changed.getByRole('button', { name: /^Reply/ }).click();
  await page.getByLabel(/^Reply to/).fill('An answer to myself');
  await page.getByRole('button', { name: 'Reply', exact: true }).last().click();
  await becomes('a reply is counted', () => changed.getByRole('button', { name: /^Reply/ }).getAttribute('aria-label'), 'Reply, 1');
  await changed.locator('.when').click();
  await tweet(page, 'An answer to myself').waitFor();
  check('it stands below its tweet', (await page.locator('article').count()) === 2);
  await accessible(page, 'a thread');
  await tweet(page, 'An answer to myself').getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await becomes('a deleted reply goes at once', () => page.locator('article').count(), 1);
  await page.goBack();
  await tweet(page, 'Changed in the app').waitFor();
  check('edited, answered, deleted', true);
}

/** The timeline and the notifications of one browser tell what the other does. */
async function live(browser, page, username, tag) {
  const bob = await signUp();
  const { page: other } = await visit(browser, '/', { init: signedIn(bob), viewport: { width: 390, height: 844 } });
  await other.getByRole('heading', { name: 'Home' }).waitFor();
  await other.getByRole('link', { name: 'Search' }).click();
  await other.getByRole('searchbox').fill(username);
  await other.getByRole('button', { name: `Follow @${username}` }).click();
  await becomes('a follower is told at once', () => unseen(page), '1');
  await other.getByRole('searchbox').fill('in the app');
  const found = tweet(other, 'Changed in the app');
  const like = found.getByRole('button', { name: /^Like/ });
  await like.click();
  await becomes('a like shows', () => pressed(like), 'true');
  await becomes('and is told', () => unseen(page), '2');
  await found.getByRole('button', { name: /^Retweet/ }).click();
  await becomes('a retweet is told', () => unseen(page), '3');
  await other.getByRole('link', { name: 'Home' }).click();
  await tweet(other, 'Changed in the app').waitFor();
  check('the timeline has the one who is followed', true);

  await composer(page).fill(`Live #${tag}`);
  await page.getByRole('button', { name: 'Post' }).click();
  await tweet(other, `Live #${tag}`).waitFor();
  check('what is posted in one browser shows in the other', true);
  await tweet(page, `Live #${tag}`).getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await becomes('and goes there when it is deleted', () => tweet(other, `Live #${tag}`).count(), 0);

  await page.getByRole('link', { name: /^Notifications/ }).click();
  await page.getByText('followed you').waitFor();
  for (const deed of ['liked your tweet', 'retweeted your tweet']) await page.getByText(deed).waitFor();
  await accessible(page, 'the notifications');
  await picture(page, 'notifications');
  await becomes('what was looked at is seen', () => unseen(page), '');
  await post(`Hello @${username}`, bob.token);
  await page.getByText('mentioned you').waitFor();
  check('a mention comes in while one looks', true);
  await other.context().close();
  return bob;
}

/** A page shows at once what one does, and takes it back when the server refuses. */
async function optimistic(browser, ada) {
  const { id } = await post(`To be liked ${unique('o')}`, ada.token);
  const { page } = await visit(browser, `/tweet/${id.replace('Tweet:', '')}`, { init: signedIn(await signUp()) });
  const like = page.getByRole('button', { name: /^Like/ });
  await like.waitFor();
  let go;
  const held = new Promise((resolve) => (go = resolve));
  const late = async (route) => (await held, route.continue());
  await page.route('**/graphql', late, { times: 1 });
  const answered = page.waitForResponse('**/graphql');
  await like.click();
  same('a like shows before the answer', [await pressed(like), await like.getAttribute('aria-label')], ['true', 'Like, 1']);
  go();
  await answered;
  await page.route('**/graphql', (route) => route.abort());
  await like.click();
  await page.getByText('The server is out of reach.').waitFor();
  same('what did not work is taken back', await pressed(like), 'true');
  await page.context().close();
}

/** Lists go on as one reads: home, profile, search; nothing twice. */
async function endless(browser) {
  const word = unique('w');
  const writer = await signUp();
  const reader = await signUp();
  await follow(writer.user.id, reader.token);
  const expected = [];
  for (let number = 1; number <= 50; number += 1) expected.unshift((await post(`${number} ${word}`, writer.token)).text);
  const { page } = await visit(browser, '/', { init: signedIn(reader) });
  for (const path of ['/', `/user/${writer.user.username}`, `/search?q=${word}`]) {
    await page.goto(new URL(path, page.url()).href);
    const shown = () => page.locator('article .text').allTextContents();
    await until(`${path} goes on`, async () => (await page.mouse.wheel(0, 3000), shown()), ({ length }) => length === 50);
    same(`${path} is whole`, await shown(), expected);
  }
  await accessible(page, 'search');
  await page.goto(new URL(`/user/${writer.user.username}`, page.url()).href);
  await page.getByRole('button', { name: 'Follow' }).waitFor();
  await accessible(page, 'a profile');

  // Further down, what comes in waits.
  await page.goto(new URL('/', page.url()).href);
  await page.locator('article').nth(15).waitFor();
  await page.mouse.wheel(0, 1500);
  await until('scrolled down', () => page.evaluate(() => window.scrollY), (y) => y > 400);
  await post(`51 ${word}`, writer.token);
  await page.getByRole('button', { name: '1 new' }).click();
  await becomes('then it stands above', () => page.locator('article .text').first().textContent(), `51 ${word}`);
  await page.context().close();
}

/** A session is renewed before it ends, and its end is told. */
async function sessions(browser) {
  const { token, user } = await signUp();
  const soon = { openedAt: new Date(Date.now() - 20 * 86_400_000), expiresAt: new Date(Date.now() + 9 * 86_400_000) };
  const session = JSON.stringify({ token, username: user.username, ...soon });
  const init = { script: (value) => localStorage.getItem('linnet:session') ?? localStorage.setItem('linnet:session', value), argument: session };
  const { page } = await visit(browser, '/', { init });
  const stored = () => page.evaluate(() => JSON.parse(localStorage.getItem('linnet:session'))?.token);
  await until('a session is renewed when two thirds are over', stored, (now) => now && now !== token);
  await page.getByRole('heading', { name: 'Home' }).waitFor();
  const author = await signUp();
  await follow(author.user.id, await stored());
  await page.reload();
  await page.getByRole('heading', { name: 'Home' }).waitFor();
  await post('Under the new token', author.token);
  await tweet(page, 'Under the new token').waitFor();
  check('and streams go on under the new one', true);

  await ask('mutation { logOut }', {}, await stored());
  await page.getByRole('navigation', { name: 'Account' }).waitFor();
  same('a session that was ended elsewhere is forgotten', await stored(), undefined);
  await page.context().close();
}

/** All of it by keys alone. */
async function keys(browser, ada) {
  const reader = await signUp();
  await follow(ada.user.id, reader.token);
  await post('For the keyboard', ada.token);
  const { page } = await visit(browser, '/', { init: signedIn(reader) });
  await tweet(page, 'For the keyboard').waitFor();
  await page.keyboard.press('j');
  await page.keyboard.press('l');
  const like = tweet(page, 'For the keyboard').getByRole('button', { name: /^Like/ });
  await becomes('j and l like the first tweet', () => pressed(like), 'true');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Tweet' }).waitFor();
  await page.keyboard.press('/');
  await becomes('/ leads to the search', () => page.evaluate(() => document.activeElement.type), 'search');

  await page.getByRole('link', { name: 'Home', exact: true }).click();
  await tweet(page, 'For the keyboard').waitFor();
  await page.keyboard.press('?');
  const help = page.getByRole('dialog', { name: 'Keys' });
  await help.waitFor();
  await accessible(page, 'the list of keys');
  await picture(page, 'keys');
  await help.getByRole('switch', { name: 'Use single keys' }).click();
  await page.keyboard.press('Escape');
  await page.reload();
  await tweet(page, 'For the keyboard').waitFor();
  const before = await pressed(like);
  await page.keyboard.press('j');
  await page.keyboard.press('l');
  same('single keys can be turned off', [await page.locator('article:focus').count(), await pressed(like)], [0, before]);
  await page.getByRole('link', { name: 'Settings' }).click();
  await page.getByRole('button', { name: 'Keys' }).click();
  await help.getByRole('switch', { name: 'Use single keys' }).click();
  await help.getByRole('button', { name: 'Close' }).click();
  await page.getByRole('link', { name: 'Home', exact: true }).click();
  await tweet(page, 'For the keyboard').waitFor();
  await page.keyboard.press('j');
  await becomes('and on again, in the settings', () => page.locator('article:focus').count(), 1);
  await page.context().close();
}

await main(async () => {
  const browser = await launch();
  const username = unique('ada');
  const tag = unique('apptag');
  const ada = await signUp();
  await post(`Known #${tag}`, ada.token);
  const page = await enters(browser, username);
  await writes(page, tag);
  await changes(page);
  await live(browser, page, username, tag);
  await optimistic(browser, ada);
  await endless(browser);
  await sessions(browser);
  await keys(browser, ada);
  quiet(/Failed to load resource: .* 401/, /Failed to load resource: net::ERR_FAILED/);
  await browser.close();
});
