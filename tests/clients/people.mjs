// Hiding people in real browsers: muting, blocking and banning, what goes from the screen with it,
// and what comes back.

import { accessible } from './axe.mjs';
import { launch, picture, quiet, signedIn, visit } from './browser.mjs';
import { ask, becomes, check, main, POST_TWEET, post, same, signUp, unique, until, write } from './check.mjs';
import { start } from './server.mjs';

const tweets = (page) => page.locator('article .text').allTextContents();
const tweet = (page, text) => page.locator('article', { hasText: text }).first();
const follow = (user, token, home) => write('follow', 'FollowInput', { targetId: user.id }, token, home);
const more = (within, name) => within.getByRole('button', { name: `More about @${name}` });
const pathOf = ({ user }) => `/user/${user.username}`;
const answer = (text, inReplyTo, token) => ask(POST_TWEET, { input: { text, inReplyTo } }, token).then(({ postTweet }) => postTweet.tweet);

/** Chooses in a menu; `wait` says what has to be there by then. */
async function choose(page, within, name, item) {
  await more(within, name).click();
  await page.getByRole('menuitem', { name: new RegExp(`^${item} @${name}`) }).click();
}

/** When the server has answered: what is shown before that goes with the page. */
const done = (page, operation) =>
  page.waitForResponse((response) => response.request().postData()?.includes(`"operationName":"${operation}"`) ?? false);

/** Opens a list of the settings. */
async function list(page, name) {
  await page.goto(new URL('/settings', page.url()).href);
  await page.locator('summary', { hasText: name }).click();
  return page.getByRole('list', { name });
}

/** A viewer with two people whom they follow, one of whom is to be hidden. */
async function scene() {
  const [ann, bob, cyd] = [await signUp(), await signUp(), await signUp()];
  for (const { user } of [bob, cyd]) await follow(user, ann.token);
  const word = `#${unique('w')}`;
  const bobs = await post(`bob ${word}`, bob.token);
  const cyds = await post(`cyd ${word}`, cyd.token);
  return { ann, bob, cyd, word, bobs, cyds };
}

/** What a muted user does is out of one's home and notifications at once, and comes back. */
async function mutes(browser) {
  const { ann, bob, cyd, word, cyds } = await scene();
  const own = await post(`ann ${word}`, ann.token);
  await write('likeTweet', 'TweetRefInput', { id: own.id }, bob.token);
  const { page, context } = await visit(browser, '/', { init: signedIn(ann) });
  const unseen = async () => (await page.getByTestId('unseen-count').allTextContents()).join('');
  await becomes('home has both', () => tweets(page), [`cyd ${word}`, `bob ${word}`]);
  await becomes('and the bell tells of a like', unseen, '1');
  check('there is no menu about oneself', (await more(page, ann.user.username).count()) === 0);

  await more(tweet(page, `bob ${word}`), bob.user.username).click();
  await page.getByRole('menuitem').first().waitFor();
  await accessible(page, 'the menu of a tweet');
  await picture(page, 'menu');
  same('nobody but moderators is offered to ban', await page.getByRole('menuitem', { name: /^Ban/ }).count(), 0);
  await page.getByRole('menuitem', { name: /^Mute/ }).click();
  await becomes('a muted user goes from home', () => tweets(page), [`cyd ${word}`]);
  await page.getByText(`@${bob.user.username} is muted.`).waitFor();
  await becomes('and from the number at the bell', unseen, '');
  await post(`bob again ${word}`, bob.token);
  await write('retweet', 'TweetRefInput', { id: cyds.id }, bob.token);
  await post(`cyd again ${word}`, cyd.token);
  await becomes('what they write does not come', () => tweets(page), [`cyd again ${word}`, `cyd ${word}`]);

  await page.goto(new URL(`/hashtag/${word.slice(1)}`, page.url()).href);
  const others = [`cyd again ${word}`, `ann ${word}`, `cyd ${word}`];
  await becomes('nor does a wall have it', () => tweets(page), others);
  await post(`bob at last ${word}`, bob.token);
  await post(`cyd at last ${word}`, cyd.token);
  await becomes('nor while one looks', () => tweets(page), [`cyd at last ${word}`, ...others]);

  await page.goto(new URL(pathOf(bob), page.url()).href);
  await page.getByText('You have muted').waitFor();
  await becomes('their profile shows it all the same', () => tweets(page), ['bob at last', 'bob again', 'bob'].map((text) => `${text} ${word}`));
  await accessible(page, 'the profile of somebody muted');
  await picture(page, 'muted');
  await choose(page, page.locator('.profile'), bob.user.username, 'Unmute');
  await becomes('until it is undone', () => page.getByText('You have muted').count(), 0);
  await page.getByRole('link', { name: 'Home', exact: true }).click();
  const all = ['cyd at last', 'bob at last', 'cyd again', 'bob again', 'cyd', 'bob'].map((who) => `${who} ${word}`);
  await becomes('then home has all of it', async () => (await tweets(page)).sort(), all.sort());
  await until('and the bell its number', unseen, (number) => number !== '');
  await context.close();
}

/** Nothing of a blocked user is to be seen, whichever page one is on. */
async function blocks(browser) {
  const { ann, bob, cyd, word, bobs, cyds } = await scene();
  await follow(ann.user, bob.token);
  await answer(`bob answers ${word}`, cyds.id, bob.token);
  await answer(`ann answers ${word}`, bobs.id, ann.token);
  const { page, context } = await visit(browser, `/tweet/${cyds.id.replace('Tweet:', '')}`, { init: signedIn(ann) });
  await becomes('a thread with an answer', () => tweets(page), [`cyd ${word}`, `bob answers ${word}`]);
  const answered = tweet(page, `bob answers ${word}`);
  await more(answered, bob.user.username).click();
  await page.getByRole('menuitem', { name: /^Block/ }).click();
  const question = page.getByRole('dialog', { name: `Block @${bob.user.username}?` });
  await question.waitFor();
  await accessible(page, 'the question before a block');
  await picture(page, 'question');
  await question.getByRole('button', { name: 'Cancel' }).click();
  same('who says no changes nothing', await tweets(page), [`cyd ${word}`, `bob answers ${word}`]);
  check('and is back at the button', await more(answered, bob.user.username).evaluate((button) => button === document.activeElement));
  await choose(page, answered, bob.user.username, 'Block');
  await question.getByRole('button', { name: 'Block' }).click();
  await becomes('a blocked user goes from a thread', () => tweets(page), [`cyd ${word}`]);
  await page.getByText(`@${bob.user.username} is blocked.`).waitFor();

  const at = async (path) => page.goto(new URL(path, page.url()).href);
  await at(`/search?q=${encodeURIComponent(word)}`);
  await becomes('from the search', () => tweets(page), [`ann answers ${word}`, `cyd ${word}`]);
  await at('/');
  await becomes('from home', () => tweets(page), [`cyd ${word}`]);
  await at(pathOf(bob));
  await page.getByText('You have blocked').waitFor();
  same('and from their profile', await tweets(page), []);
  same('which offers nothing to follow', await page.getByRole('button', { name: /^Follow/ }).count(), 0);
  await accessible(page, 'the profile of somebody blocked');
  await picture(page, 'blocked');

  const blocked = await list(page, 'Blocked');
  await blocked.getByText(`@${bob.user.username}`).waitFor();
  await accessible(page, 'the list of those whom one blocks');
  await picture(page, 'blocked-list');
  const unblocked = done(page, 'Unblock');
  await blocked.getByRole('button', { name: 'Unblock' }).click();
  await unblocked;
  await becomes('the settings undo it', () => blocked.getByRole('listitem').count(), 0);
  await page.getByText('You have blocked nobody.').waitFor();
  await at(`/search?q=${encodeURIComponent(word)}`);
  await becomes('and all is there again', async () => (await tweets(page)).length, 4);
  await at(pathOf(bob));
  await page.getByRole('button', { name: 'Follow' }).waitFor();
  same('but for the follows', await page.getByText('Follows you').count(), 0);
  await choose(page, page.locator('.profile'), bob.user.username, 'Block');
  await page.getByRole('dialog').getByRole('button', { name: 'Block' }).click();
  await page.getByText('You have blocked').waitFor();
  await becomes('a profile goes at once too', () => tweets(page), []);
  await page.getByRole('button', { name: 'Unblock' }).click();
  await becomes('and comes back', async () => (await tweets(page)).length, 2);
  await context.close();
}

/** What the server refuses is taken back. */
async function refused(browser) {
  const { ann, bob, word } = await scene();
  const { page, context } = await visit(browser, '/', { init: signedIn(ann) });
  await becomes('home has both', () => tweets(page), [`cyd ${word}`, `bob ${word}`]);
  let go;
  const held = new Promise((resolve) => (go = resolve));
  await page.route('**/graphql', async (route) => {
    if (!route.request().postData()?.includes('muteUser')) return route.continue();
    await held;
    return route.abort();
  });
  await choose(page, tweet(page, `bob ${word}`), bob.user.username, 'Mute');
  await becomes('a mute shows before the answer', () => tweets(page), [`cyd ${word}`]);
  go();
  await page.getByText('The server is out of reach.').waitFor();
  await becomes('and is taken back when it fails', () => tweets(page), [`cyd ${word}`, `bob ${word}`]);
  await context.close();
}

/** A menu by keys alone. */
async function keys(browser) {
  const { ann, bob, word } = await scene();
  const { page, context } = await visit(browser, '/', { init: signedIn(ann), viewport: { width: 390, height: 844 } });
  await tweet(page, `bob ${word}`).waitFor();
  const button = more(tweet(page, `bob ${word}`), bob.user.username);
  const focused = () => page.evaluate(() => document.activeElement?.textContent ?? '');
  await button.focus();
  await page.keyboard.press('Enter');
  await until('Enter opens it at the first item', focused, (text) => text.startsWith('Mute'));
  await page.keyboard.press('ArrowDown');
  await until('the arrows go through it', focused, (text) => text.startsWith('Block'));
  await page.keyboard.press('ArrowDown');
  await until('round and round', focused, (text) => text.startsWith('Mute'));
  await page.keyboard.press('Escape');
  await becomes('Escape closes it', () => page.getByRole('menuitem').count(), 0);
  check('and leads back', await button.evaluate((own) => own === document.activeElement));
  await page.keyboard.press('Enter');
  await until('open again', focused, (text) => text.startsWith('Mute'));
  await page.keyboard.press('End');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor();
  await page.keyboard.press('Escape');
  await becomes('a question too', () => page.getByRole('dialog').count(), 0);
  const box = await (await more(tweet(page, `bob ${word}`), bob.user.username).click(), page.getByRole('menu', { includeHidden: false })).boundingBox();
  check('it lies within a phone', box.x >= 0 && box.x + box.width <= 390, box);
  await context.close();
}

/** Moderators ban; nobody but them sees who is banned. */
async function bans(browser) {
  const server = await start();
  const home = server.base;
  const [mod, bob, ann] = [await signUp(home, 'mod'), await signUp(home, 'bob'), await signUp(home, 'ann')];
  server.run('user', 'promote', 'mod');
  await post('bob says', bob.token, home);
  await post('bob says #here', bob.token, home);
  await post('ann says #here', ann.token, home);
  const { page, context } = await visit(browser, '/user/bob', { home, init: signedIn(mod) });
  const { page: bobs, context: other } = await visit(browser, '/', { home, init: signedIn(bob) });
  await bobs.getByRole('heading', { name: 'Home' }).waitFor();
  await becomes('a profile', () => tweets(page), ['bob says #here', 'bob says']);
  await choose(page, page.locator('.profile'), 'bob', 'Ban');
  const question = page.getByRole('dialog', { name: 'Ban @bob?' });
  await question.getByLabel('Why, for moderators').fill('Nothing but advertisements');
  await accessible(page, 'the question before a ban');
  await picture(page, 'ban');
  const told = done(page, 'Ban');
  await question.getByRole('button', { name: 'Ban' }).click();
  await told;
  await page.getByText('@bob is banned. Only moderators see this profile.').waitFor();
  await becomes('moderators see what is banned', () => tweets(page), ['bob says #here', 'bob says']);
  await tweet(page, 'bob says').getByText('Banned: only moderators see this').waitFor();
  await accessible(page, 'the profile of somebody banned');
  await picture(page, 'banned');
  await page.goto(`${home}/hashtag/here`);
  await becomes('but a wall, which hangs in halls, shows them as little as to others', () => tweets(page), ['ann says #here']);
  await bobs.getByText('Your session has ended. Log in again.').waitFor();
  check('the banned are logged out', true);
  await other.close();

  const { page: anns, context: third } = await visit(browser, '/user/bob', { home, init: signedIn(ann) });
  await anns.getByText('Nobody has this name.').waitFor();
  await anns.goto(`${home}/settings`);
  await anns.locator('summary', { hasText: 'Blocked' }).waitFor();
  same('others have no list of the banned', await anns.locator('summary', { hasText: 'Banned' }).count(), 0);
  same('nor of what moderators did', await anns.locator('summary', { hasText: 'moderators' }).count(), 0);
  await third.close();

  const banned = await list(page, 'Banned');
  const unbanned = done(page, 'Unban');
  await banned.getByRole('button', { name: 'Unban @bob' }).click();
  await unbanned;
  await page.getByText('Nobody is banned.').waitFor();
  const log = await list(page, 'What moderators did');
  // Without the times.
  const acts = () =>
    log.locator('li').evaluateAll((items) =>
      items.map((item) => {
        item = item.cloneNode(true);
        item.querySelector('time').remove();
        return [...item.children].map((line) => line.textContent.trim()).join(': ');
      }),
    );
  await becomes('moderators read what was done, and why', acts, [
    '@mod unbanned @bob',
    '@mod banned @bob: Nothing but advertisements',
    'The operator made a moderator of @mod',
  ]);
  await accessible(page, 'what moderators did');
  await page.goto(`${home}/user/bob`);
  await becomes('unbanned', () => tweets(page), ['bob says #here', 'bob says']);
  await becomes('no mark is left', () => page.getByText('Banned').count(), 0);
  await context.close();
  await server.end();
}

await main(async () => {
  const browser = await launch();
  await mutes(browser);
  await blocks(browser);
  await refused(browser);
  await keys(browser);
  await bans(browser);
  quiet(/Failed to load resource: .* 401/, /Failed to load resource: net::ERR_FAILED/);
  await browser.close();
});
