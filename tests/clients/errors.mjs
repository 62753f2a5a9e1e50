// What goes wrong is told in words, where one is, and nothing of what one wrote is lost by it.

import { launch, quiet, signedIn, visit } from './browser.mjs';
import { becomes, check, main, same, signUp, unique } from './check.mjs';

const composer = (page) => page.getByLabel('What is happening?');
const answer = (status, code, more = {}) => ({
  status,
  contentType: 'application/json',
  body: JSON.stringify({ errors: [{ message: more.message ?? 'words of the server', extensions: { code, ...more } }] }),
});

/** What the server, or what stands before it, may answer to a post, and what one reads of that. */
const TOLD = [
  [answer(200, 'RATE_LIMITED', { retryAfter: 1 }), 'That was too often. Try again in 1 second.'],
  [answer(429, 'RATE_LIMITED', { retryAfter: 45 }), 'That was too often. Try again in 45 seconds.'],
  [answer(200, 'RATE_LIMITED', { retryAfter: 3_000 }), 'That was too often. Try again in 50 minutes.'],
  [answer(503, 'SERVICE_UNAVAILABLE'), 'The server is busy. Try again in a moment.'],
  [answer(200, 'INTERNAL_SERVER_ERROR'), 'The server has a problem. Try again in a moment.'],
  [answer(200, 'BAD_USER_INPUT', { message: 'the text is too long', field: 'input.text' }), 'The text is too long.'],
  [answer(200, 'NOT_FOUND'), 'That is gone.'],
  [answer(200, 'QUERY_TOO_COMPLEX'), 'That is too much at once.'],
  [{ status: 502, contentType: 'text/html', body: '<h1>Bad gateway</h1>' }, 'The server has a problem. Try again in a moment.'],
  [{ status: 429, contentType: 'text/plain', body: 'slowly' }, 'The server is busy. Try again in a moment.'],
];

/** A post that is refused stays, is told why, and can be sent again. */
async function refusals(browser) {
  const ann = await signUp();
  const { page, context } = await visit(browser, '/', { init: signedIn(ann) });
  const text = `To be sent at last ${unique('e')}`;
  await composer(page).fill(text);
  for (const [given, told] of TOLD) {
    await page.route('**/graphql', (route) => (route.request().postData()?.includes('mutation Post') ? route.fulfill(given) : route.continue()));
    await page.getByRole('button', { name: 'Post' }).click();
    await becomes(`${given.status}: ${told}`, () => page.locator('.composer [role=alert]').allTextContents(), [told]);
    same('the text is there still', await composer(page).inputValue(), text);
    await page.unroute('**/graphql');
    await composer(page).press('End');
    await composer(page).pressSequentially('!');
    await becomes('what was wrong is not said of another text', () => page.locator('.composer [role=alert]').count(), 0);
    await composer(page).press('Backspace');
  }
  await page.getByRole('button', { name: 'Post' }).click();
  await page.locator('article', { hasText: text }).waitFor();
  check('and is sent when the server takes it', true);
  await context.close();
}

/** A page that can't be read says so, and reads it when it is asked to. */
async function pages(browser) {
  const ann = await signUp();
  for (const [path, operation, heading] of [
    ['/', 'Timeline', 'Home'],
    ['/notifications', 'Notifications', 'Notifications'],
    [`/user/${ann.user.username}`, 'Profile', ann.user.username],
    ['/search?q=rust', 'Search', 'Search'],
  ]) {
    const { page, context } = await visit(browser, '/settings', { init: signedIn(ann) });
    const asks = (route) => JSON.parse(route.request().postData()).operationName === operation;
    await page.route('**/graphql', (route) => (asks(route) ? route.fulfill(answer(200, 'INTERNAL_SERVER_ERROR')) : route.continue()));
    await page.goto(new URL(path, page.url()).href);
    const trouble = page.getByRole('alert').filter({ hasText: 'The server has a problem.' });
    await trouble.waitFor();
    await page.unroute('**/graphql');
    await trouble.getByRole('button', { name: 'Try again' }).click();
    await becomes(`${path} is read again`, () => page.getByRole('alert').count(), 0);
    await page.getByRole('heading', { name: heading, exact: true }).waitFor();
    await becomes('to its end', () => page.locator('[role=alert], [aria-busy=true]').count(), 0);
    await context.close();
  }
}

await main(async () => {
  const browser = await launch();
  await refusals(browser);
  await pages(browser);
  quiet(/^Failed to load resource: the server responded with a status of (429|502|503)/);
  await browser.close();
});
