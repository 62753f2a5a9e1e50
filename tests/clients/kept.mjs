// What one is at is not lost: the place where one reads, what the keyboard is at, what one has begun
// to write.

import { launch, quiet, signedIn, visit } from './browser.mjs';
import { ask, becomes, check, main, post, same, signUp, unique, until, write } from './check.mjs';

const composer = (page) => page.getByLabel('What is happening?');
const tweet = (page, text) => page.locator('article', { hasText: text }).first();
const focused = (page) => page.evaluate(() => document.activeElement.closest('article')?.querySelector('.text')?.textContent ?? document.activeElement.tagName);
const count = (page) => page.locator('article').count();
const at = (page, path) => page.goto(new URL(path, page.url()).href);
const follow = (user, token) => write('follow', 'FollowInput', { targetId: user.id }, token);
const mute = (user, token) => write('muteUser', 'UserRefInput', { userId: user.id }, token);

/** Presses a button by the keyboard. */
async function press(page, button) {
  await button.focus();
  await page.keyboard.press('Enter');
}

/** What has the focus goes, and the focus goes to what stands there. */
async function focus(browser) {
  const [ann, bob] = [await signUp(), await signUp()];
  for (const text of ['first', 'second', 'third']) await post(text, ann.token);
  const { page, context } = await visit(browser, `/user/${ann.user.username}`, { init: signedIn(ann) });
  const button = (text, name) => tweet(page, text).getByRole('button', { name, exact: true });
  await press(page, button('second', 'Edit'));
  await page.getByLabel('Edit the tweet').fill('second, edited');
  await page.keyboard.press('Control+Enter');
  await becomes('a tweet that was edited has the focus', () => focused(page), 'second, edited');
  await press(page, button('second', 'Reply, 0'));
  await page.getByLabel(/^Reply to/).waitFor();
  await page.keyboard.press('Escape');
  await becomes('and one that is not answered after all', () => focused(page), 'second, edited');
  for (const [gone, heir] of [['second', 'first'], ['first', 'third'], ['third', 'H1']]) {
    await press(page, button(gone, 'Delete'));
    await press(page, page.getByRole('dialog').getByRole('button', { name: 'Delete' }));
    await becomes(`when the ${gone} is deleted ${heir} has it`, () => focused(page), heir);
  }

  await follow(bob.user, ann.token);
  for (const text of ['one', 'two']) await post(text, bob.token);
  await at(page, `/tweet/${(await post('said to be muted', bob.token)).id.replace('Tweet:', '')}`);
  await at(page, '/settings');
  await mute(bob.user, ann.token);
  await press(page, page.locator('summary', { hasText: 'Muted' }));
  await press(page, page.getByRole('button', { name: `Unmute @${bob.user.username}` }));
  await becomes('the last of a list leaves it to what opens the list', () => focused(page), 'SUMMARY');

  await at(page, '/search?q=nothing');
  await page.getByRole('link', { name: 'Profile' }).click();
  await becomes('another page is begun at its heading', () => focused(page), 'H1');
  await context.close();
}

/** What the server finds wrong with a form is where one goes on. */
async function forms(browser, ada) {
  const { page, context } = await visit(browser, '/sign-up');
  await page.getByLabel('Username').fill(ada.user.username);
  await page.getByLabel('Password').fill('a long password');
  await page.keyboard.press('Enter');
  await page.getByText('The username is taken.').waitFor();
  await becomes('a field at fault has the focus', () => page.evaluate(() => document.activeElement.name), 'username');
  await context.close();
}

/** A text that was begun is there again, for who wrote it. */
async function drafts(browser) {
  const [ann, bob] = [await signUp(), await signUp()];
  const { page, context } = await visit(browser, '/log-in');
  const logIn = async ({ user }) => {
    await page.getByLabel('Username').fill(user.username);
    await page.getByLabel('Password').fill('a long password');
    await page.getByRole('button', { name: 'Log in' }).click();
    await composer(page).waitFor();
  };
  const token = () => page.evaluate(() => JSON.parse(localStorage.getItem('linnet:session')).token);
  await logIn(ann);
  await composer(page).fill('Half a thought');
  await page.getByRole('link', { name: 'Search' }).click();
  await page.getByRole('searchbox').waitFor();
  await page.getByRole('link', { name: 'Home', exact: true }).click();
  same('a text outlives another page', await composer(page).inputValue(), 'Half a thought');
  await page.reload();
  await composer(page).waitFor();
  same('and a reload', await composer(page).inputValue(), 'Half a thought');
  await ask('mutation { logOut }', {}, await token());
  await page.getByRole('navigation', { name: 'Account' }).waitFor();
  await logIn(bob);
  same('another person does not see it', await composer(page).inputValue(), '');
  await ask('mutation { logOut }', {}, await token());
  await page.getByRole('navigation', { name: 'Account' }).waitFor();
  await logIn(ann);
  same('it outlives the end of a session', await composer(page).inputValue(), 'Half a thought');
  await page.getByRole('button', { name: 'Post' }).click();
  await tweet(page, 'Half a thought').waitFor();
  await becomes('until it is sent', () => composer(page).inputValue(), '');
  await page.reload();
  await composer(page).waitFor();
  same('and stays so', await composer(page).inputValue(), '');
  await composer(page).fill('Not for others');
  await page.getByRole('link', { name: 'Settings' }).click();
  await page.getByRole('button', { name: 'Log out' }).click();
  await page.getByRole('link', { name: 'Log in' }).first().waitFor();
  same('who logs out leaves nothing', await page.evaluate(() => Object.keys(sessionStorage)), []);
  await context.close();
}

/** Who reads far down stays there, whatever is read anew above. */
async function places(browser) {
  const [ann, bob] = [await signUp(), await signUp()];
  const word = unique('w');
  for (let number = 1; number <= 60; number += 1) await post(`${number} ${word}`, bob.token);
  await mute(bob.user, ann.token);
  const { page, context } = await visit(browser, `/user/${bob.user.username}`, { init: signedIn(ann) });
  const far = tweet(page, `10 ${word}`);
  await page.locator('article').first().waitFor();
  await until('a profile is read to its end', async () => (await page.mouse.wheel(0, 3000), count(page)), (now) => now === 60);
  let fewest = 60;
  await page.exposeFunction('seen', (now) => (fewest = Math.min(fewest, now)));
  await page.evaluate(() => new MutationObserver(() => window.seen(document.querySelectorAll('article').length)).observe(document.querySelector('.list'), { childList: true }));
  const reread = page.waitForResponse((response) => response.request().postData()?.includes('"operationName":"UserTweets"') ?? false);
  await far.getByRole('button', { name: /^More about/ }).click();
  await page.getByRole('menuitem', { name: /^Unmute/ }).click();
  await reread;
  await becomes('somebody is muted no longer', () => page.getByText('You have muted').count(), 0);
  same('and the list stays as long as it was', [await count(page), fewest], [60, 60]);

  await far.scrollIntoViewIfNeeded();
  const place = () => far.evaluate((article) => Math.round(article.getBoundingClientRect().top));
  const before = await place();
  await far.locator('.when').click();
  await page.getByRole('heading', { name: 'Tweet', exact: true }).waitFor();
  await post(`61 ${word}`, bob.token);
  const again = page.waitForResponse((response) => response.request().postData()?.includes('"operationName":"UserTweets"') ?? false);
  await page.goBack();
  await again;
  await tweet(page, `61 ${word}`).waitFor({ state: 'attached' });
  const shown = await page.locator('article .text').allTextContents();
  same('who comes back finds the whole list', shown, [...Array(61)].map((_, index) => `${61 - index} ${word}`));
  check('at the place that they left', Math.abs((await place()) - before) < 5, [before, await place()]);
  await context.close();
}

/** Nor do those whom a notification reaches while they read older ones. */
async function notices(browser) {
  const [ann, bob] = [await signUp(), await signUp()];
  for (let number = 1; number <= 45; number += 1) {
    const { id } = await post(`Liked ${number}.`, ann.token);
    await write('likeTweet', 'TweetRefInput', { id }, bob.token);
  }
  const { page, context } = await visit(browser, '/notifications', { init: signedIn(ann) });
  const rows = () => page.locator('.notice-row').count();
  await page.locator('.notice-row').first().waitFor();
  await until('notifications are read to their end', async () => (await page.mouse.wheel(0, 2000), rows()), (now) => now === 45);
  const far = page.locator('.notice-row', { hasText: 'Liked 5.' });
  await far.scrollIntoViewIfNeeded();
  const place = () => far.evaluate((row) => Math.round(row.getBoundingClientRect().top));
  const before = await place();
  await post(`Hello @${ann.user.username}`, bob.token);
  await becomes('one more comes in above', rows, 46);
  check('and nothing has moved', Math.abs((await place()) - before) < 5, [before, await place()]);
  await context.close();
}

/** The sign that nothing comes goes where nothing would come by itself, too. */
async function line(browser, ada) {
  await post('Before the line broke', ada.token);
  const { page, context } = await visit(browser, `/user/${ada.user.username}`);
  await page.locator('article').first().waitFor();
  await context.setOffline(true);
  await page.getByText('Offline since').waitFor();
  await context.setOffline(false);
  await becomes('a page without a stream is not offline for ever', () => page.getByText('Offline since').count(), 0, 5);
  await context.close();
}

/** Dates and numbers are in the reader's language. */
async function languages(browser, ada) {
  for (const [locale, now, weekday] of [['de-DE', 'jetzt', /tag, /], ['ja-JP', '今', /曜日/], ['ar-EG', 'الآن', /[\u0600-\u06ff]/]]) {
    await post(`Dated ${locale}`, ada.token);
    const { page, context } = await visit(browser, `/user/${ada.user.username}`, { locale });
    const time = tweet(page, `Dated ${locale}`).locator('time');
    same(`how long ago, in ${locale}`, await time.textContent(), now);
    check(`and when, in ${locale}`, weekday.test(await time.getAttribute('title')), await time.getAttribute('title'));
    await context.close();
  }
}

await main(async () => {
  const browser = await launch();
  const ada = await signUp();
  await focus(browser);
  await forms(browser, ada);
  await drafts(browser);
  await places(browser);
  await notices(browser);
  await line(browser, ada);
  await languages(browser, ada);
  quiet(/Failed to load resource: .* 401/);
  await browser.close();
});
