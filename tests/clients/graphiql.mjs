// GraphiQL in a real browser: it comes from the server alone, its policy is
// kept, and the tour can be gone through with the token remembered. Set
// SCREENSHOTS to a directory to get pictures of it.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { launch, picture, quiet, visit } from './browser.mjs';
import { check, main, post, same, signUp, sleep, unique } from './check.mjs';

const QUERIES = join(import.meta.dirname, '../../playground/queries');

const tour = readdirSync(QUERIES)
  .filter((name) => name.endsWith('.graphql'))
  .sort()
  .map((name) => /^(?:query|mutation|subscription) (\w+)/m.exec(readFileSync(join(QUERIES, name), 'utf8'))[1]);

const frames = [];

async function open(browser, options) {
  const { page, response } = await visit(browser, '/graphiql', options);
  await page.locator('.graphiql-query-editor .CodeMirror').waitFor();
  await page.locator('.result-window .CodeMirror').waitFor();
  return { page, response };
}

const editor = (page, selector) => page.locator(`${selector} .CodeMirror`).first();
const read = (page, selector) => editor(page, selector).evaluate((element) => element.CodeMirror.getValue());
const write = (page, selector, value) =>
  editor(page, selector).evaluate((element, text) => element.CodeMirror.setValue(text), JSON.stringify(value, null, 2));

const QUERY = '.graphiql-query-editor';
const VARIABLES = '.graphiql-editor-tool .graphiql-editor:not(.hidden)'; // or the headers, when those are shown
const RESULT = '.result-window';

const TABS = '.graphiql-tab-button';
const titles = (page) => page.locator(TABS).allTextContents();

/** Opens a tab and puts its variables in. */
async function show(page, name, variables) {
  await page.locator(TABS).getByText(name, { exact: true }).click();
  // A busy machine takes its time to put the tab's own query into the editor.
  const shown = new RegExp(`\\b${name}\\b`);
  for (let turn = 0; turn < 100 && !shown.test(await read(page, QUERY)); turn += 1) await sleep(100);
  if (variables) await write(page, VARIABLES, variables);
  await sleep(150);
}

/** Runs what the open tab shows and gives the answer. */
async function run(page) {
  await editor(page, RESULT).evaluate((element) => element.CodeMirror.setValue(''));
  await page.locator('.graphiql-execute-button').click();
  return result(page, () => true);
}

async function result(page, good, seconds = 10) {
  const until = Date.now() + seconds * 1000;
  let text = '';
  while (Date.now() < until) {
    text = await read(page, RESULT);
    if (text.trim() !== '') {
      const answer = JSON.parse(text);
      if (good(answer)) return answer;
    }
    await sleep(50);
  }
  throw new Error(`the answer is still ${JSON.stringify(text)}`);
}

await main(async () => {
  const browser = await launch();
  const { page, response } = await open(browser);
  page.on('websocket', (socket) => socket.on('framesent', ({ payload }) => frames.push(String(payload))));

  const policy = response.headers()['content-security-policy'] ?? '';
  check('the page has a strict policy', /default-src 'self'/.test(policy) && !/unsafe-eval|script-src[^;]*unsafe-inline/.test(policy), policy);

  same('the tabs of the tour', await titles(page), tour);
  check('the first tab has its query', /mutation SignUp/.test(await read(page, QUERY)));
  check('and its variables', /"username"/.test(await read(page, VARIABLES)));
  await picture(page, 'graphiql-1280');

  // The schema was read: the documentation shows its root types.
  await page.getByRole('button', { name: 'Show Documentation Explorer' }).click();
  await page.locator('.graphiql-doc-explorer').getByText('Subscription', { exact: true }).waitFor();
  check('the documentation', true);
  await picture(page, 'graphiql-1280-docs');
  await page.getByRole('button', { name: 'Hide Documentation Explorer' }).click();

  // A query of nobody in particular.
  await show(page, 'Search');
  const search = await run(page);
  check('a query shows its result', Array.isArray(search.data?.hashtags) && !search.errors, search);

  // Sign up, and post with the remembered token.
  const username = unique('g');
  const tag = unique('tour');
  await show(page, 'SignUp', { input: { username, password: 'a long password' } });
  const account = await run(page);
  same('SignUp', account.data?.signUp?.user?.username, username);
  await page.getByText(`Signed in as @${username}`).waitFor();
  check('the page says who is signed in', true);
  await show(page, 'Post', { input: { text: `Hello #${tag}` } });
  const posted = await run(page);
  same('Post with the remembered token', posted.data?.postTweet?.tweet?.author?.username, username);
  await picture(page, 'graphiql-1280-posted');

  // The rest of the tour.
  const release = { verb: 'release', object: { type: 'repository', key: unique('acme/') } };
  const steps = {
    Follow: [{ input: { targetId: `Hashtag:${tag}` } }, (data) => data.follow.viewer.username === username],
    Timeline: [undefined, (data) => Array.isArray(data.viewer.timeline.actions.nodes)],
    Hashtag: [{ name: tag, first: 10 }, (data) => data.hashtag.tweets.nodes.length === 1],
    Actions: [{ input: release }, ({ addAction: { action } }) => action.object.actions.nodes[0].verb === 'release'],
    Notifications: [undefined, ({ viewer }) => viewer.notifications.unseenCount === 0],
    UserTweets: [{ username, first: 10 }, (data) => data.user.tweets.nodes.length === 1],
  };
  for (const [name, [variables, good]] of Object.entries(steps)) {
    await show(page, name, variables);
    const answer = await run(page);
    check(name, !answer.errors && good(answer.data), answer);
  }

  // A tab's own headers win; none at all means nobody.
  await show(page, 'Post', { input: { text: `Refused #${tag}` } });
  await page.getByRole('button', { name: 'Headers' }).click();
  await write(page, VARIABLES, { Authorization: '' });
  const refused = await run(page);
  same("a tab's own headers win", refused.errors?.[0]?.extensions?.code, 'UNAUTHENTICATED');
  await editor(page, VARIABLES).evaluate((element) => element.CodeMirror.setValue(''));
  await page.getByRole('button', { name: 'Variables' }).click();
  await sleep(800);

  // The token outlives a reload, and so do the tabs.
  await page.reload();
  await page.getByText(`Signed in as @${username}`).waitFor();
  await page.locator('.result-window .CodeMirror').waitFor();
  same('the tabs after a reload', await titles(page), tour);

  // Live: somebody else posts over HTTP.
  const other = await signUp();
  await show(page, 'LiveHashtag', { hashtag: tag });
  await page.locator('.graphiql-execute-button').click();
  const until = Date.now() + 10_000;
  while (!frames.some((frame) => frame.includes('"subscribe"')) && Date.now() < until) await sleep(20);
  check('the subscription goes over the WebSocket', frames.some((frame) => frame.includes('"subscribe"')));
  const init = JSON.parse(frames.find((frame) => frame.includes('"connection_init"')) ?? '{}');
  check('with the token in connection_init', /^Bearer ./.test(init.payload?.Authorization ?? ''), init);
  // Nothing tells when the server has taken it up, so a post may come too early.
  let seen;
  for (let attempt = 1; !seen && attempt <= 3; attempt += 1) {
    await sleep(500);
    const text = `Live ${attempt} #${tag}`;
    const sent = Date.now();
    await post(text, other.token);
    seen = await result(page, ({ data }) => data?.hashtagStream?.tweet?.text === text, 3).catch(() => undefined);
    if (seen) console.log(`        seen ${Date.now() - sent} ms after the request to post it began`);
  }
  same('the live tab shows what is posted', seen?.data.hashtagStream.kind, 'CREATED');
  await picture(page, 'graphiql-1280-live');
  await page.locator('.graphiql-execute-button').click();

  // A token that the server does not know is forgotten; the page still works.
  await page.evaluate(() => localStorage.setItem('linnet:session', '{"token":"no-such-token","username":"ghost"}'));
  await page.reload();
  await page.getByText('Not signed in').waitFor();
  check('an ended session is forgotten', true);

  // A tab that was closed comes back with the tour.
  await show(page, 'SignUp');
  await page.locator('.graphiql-tab-close:visible').click();
  await sleep(800);
  same('a closed tab', await titles(page), tour.slice(1));
  await page.getByRole('button', { name: 'Restore the tour' }).click();
  await page.waitForFunction(([selector, count]) => document.querySelectorAll(selector).length === count, [TABS, tour.length]);
  same('Restore the tour', await titles(page), tour);

  // A phone, in the dark.
  const { page: phone } = await open(browser, { viewport: { width: 390, height: 844 }, colorScheme: 'dark' });
  await show(phone, 'Search');
  check('a query at 390 px', Array.isArray((await run(phone)).data?.hashtags));
  const width = await phone.evaluate(() => document.documentElement.scrollWidth);
  check('nothing sticks out at 390 px', width <= 390, width);
  await picture(phone, 'graphiql-390');

  quiet(/Failed to load resource: .* 401/);
  await browser.close();
});
