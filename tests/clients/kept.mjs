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
  await line(browser, ada);
  await languages(browser, ada);
  quiet(/Failed to load resource: .* 401/);
  await browser.close();
});
