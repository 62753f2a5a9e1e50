// Keeping order on a live wall: who looks at it hides people where they stand, and a moderator bans
// them from it for everybody.

import { accessible } from './axe.mjs';
import { launch, picture, quiet, signedIn } from './browser.mjs';
import { becomes, main, post, same, signUp, until, write } from './check.mjs';
import { start } from './server.mjs';
import { count, texts, wall, wallAt } from './wall-page.mjs';

const menu = (page, name) => page.getByRole('button', { name: `More about @${name}` }).first();

/** Chooses in the menu of somebody's tweet. */
async function choose(page, name, item) {
  await menu(page, name).click();
  await page.getByRole('menuitem', { name: new RegExp(`^${item} @${name}`) }).click();
}

/** What one mutes or blocks goes from the wall at once, with the name of who retweeted. */
async function forOneself(browser, home, people) {
  const { ann, bob, cyd, dan } = people;
  const tweet = await post('cyd #hall', cyd.token, home);
  await post('bob #hall', bob.token, home);
  await post('dan #hall', dan.token, home);
  await write('retweet', 'TweetRefInput', { id: tweet.id }, bob.token, home);
  const { page, context } = await wall(browser, 'hall', { home, init: signedIn(ann) });
  const { page: other, context: second } = await wall(browser, 'hall', { home });
  await becomes('a wall', () => texts(page), ['dan #hall', 'bob #hall', 'cyd #hall']);
  same('with who retweeted', await page.locator('article .reason').count(), 1);
  await post('ann #hall', ann.token, home);
  await becomes("with a tweet of one's own", async () => (await texts(page)).length, 4);
  same('of whom there is no menu', await menu(page, 'ann').count(), 0);
  same('nor is there for strangers', await other.getByRole('button', { name: /^More about/ }).count(), 0);
  await accessible(page, 'a wall with menus');
  await picture(page, 'wall-menus');
  await choose(page, 'bob', 'Mute');
  await becomes('who is muted goes from the wall', () => texts(page), ['ann #hall', 'dan #hall', 'cyd #hall']);
  await becomes('and from above what they retweeted', () => page.locator('article .reason').count(), 0);
  await post('bob again #hall', bob.token, home);
  await choose(page, 'dan', 'Block');
  await page.getByRole('dialog').getByRole('button', { name: 'Block' }).click();
  await becomes('who is blocked too', () => texts(page), ['ann #hall', 'cyd #hall']);
  await until('the focus stays on the wall', () => page.evaluate(() => document.activeElement.tagName), (tag) => tag !== 'BODY');
  await becomes('others see them', async () => (await texts(other)).length, 5);
  await context.close();
  await second.close();
}

/** A moderator takes somebody off the wall of an event, before everybody's eyes. */
async function forAll(browser, home, { mod, bob, cyd }) {
  await write('putWall', 'PutWallInput', { slug: 'stage', title: 'The stage', hashtags: ['stage'] }, mod.token, home);
  await post('cyd #stage', cyd.token, home);
  await post('bob #stage', bob.token, home);
  const { page, context } = await wallAt(browser, '/wall/stage', { home, init: signedIn(mod) });
  const { page: other, context: second } = await wallAt(browser, '/wall/stage', { home });
  for (const each of [page, other]) await becomes('a wall with both', () => texts(each), ['bob #stage', 'cyd #stage']);
  await choose(page, 'bob', 'Ban');
  const question = page.getByRole('dialog', { name: 'Ban @bob?' });
  await question.getByLabel('Why, for moderators').fill('Advertisements');
  await question.getByRole('button', { name: 'Ban' }).click();
  await becomes("who is banned goes from the moderator's wall", () => texts(page), ['cyd #stage']);
  await becomes("and from everybody's, live", () => texts(other), ['cyd #stage']);
  await becomes('and from the count', () => count(other), 1);
  await context.close();
  await second.close();
}

await main(async () => {
  const server = await start();
  const names = ['mod', 'ann', 'bob', 'cyd', 'dan'];
  const people = Object.fromEntries(await Promise.all(names.map(async (name) => [name, await signUp(server.base, name)])));
  server.run('user', 'promote', 'mod');
  const browser = await launch();
  await forOneself(browser, server.base, people);
  await forAll(browser, server.base, people);
  quiet();
  await browser.close();
  await server.end();
});
