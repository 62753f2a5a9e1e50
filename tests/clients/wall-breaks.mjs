// Live walls when things break: the line, the server, and what a reader can take.

import { launch, quiet, signedIn, visit } from './browser.mjs';
import { becomes, check, main, post, signUp, sleep, unique } from './check.mjs';
import { start } from './server.mjs';
import { count, texts, wall } from './wall-page.mjs';

/** The network goes and comes back. */
async function offline(browser, ada) {
  const tag = unique('line');
  await post(`Before #${tag}`, ada.token);
  const { page, context } = await wall(browser, tag);
  await becomes('a wall with one tweet', () => texts(page), [`Before #${tag}`]);
  await context.setOffline(true);
  await page.getByText('Offline since').waitFor();
  for (const number of [1, 2, 3]) await post(`Missed ${number} #${tag}`, ada.token);
  await context.setOffline(false);
  const expected = [3, 2, 1].map((number) => `Missed ${number} #${tag}`).concat(`Before #${tag}`);
  await becomes('what came meanwhile', () => texts(page), expected);
  await becomes('the sign goes', () => page.getByText('Offline since').count(), 0);
  await context.close();
  quiet(/net::ERR_INTERNET_DISCONNECTED$/);
}

/** A wall that could not be read at first is as live as any other. */
async function late(browser, ada) {
  const tag = unique('late');
  await post(`Before #${tag}`, ada.token);
  const { page, context } = await visit(browser, '/search');
  await page.getByRole('searchbox').waitFor();
  let refused = 0;
  await page.route('**/graphql', (route) => {
    const isWall = route.request().postData()?.includes('query HashtagWall(');
    if (!isWall || refused > 0) return route.continue();
    refused += 1;
    return route.abort();
  });
  await page.getByRole('searchbox').fill(tag);
  await page.getByRole('link', { name: `#${tag}` }).first().click();
  await page.getByText('The server is out of reach.').waitFor();
  await becomes('it is asked for again', () => texts(page), [`Before #${tag}`]);
  await post(`After #${tag}`, ada.token);
  await becomes('and goes on', () => texts(page), [`After #${tag}`, `Before #${tag}`]);
  await context.close();
  quiet(/^Failed to load resource: net::ERR_FAILED$/);
}

/** Requests that a killed server has not answered. */
const CUT = /^Failed to load resource: net::ERR_(CONNECTION_REFUSED|CONNECTION_RESET|EMPTY_RESPONSE)$/;

/** The server is killed under a wall, and started again on its database. */
async function killed(browser) {
  const server = await start();
  const eve = await signUp(server.base);
  const tag = unique('kill');
  const { page, context } = await wall(browser, tag, { home: server.base });
  const expected = [];
  for (let round = 1; round <= 3; round += 1) {
    for (const name of ['a', 'b', 'c']) expected.unshift((await post(`${round}${name} #${tag}`, eve.token, server.base)).text);
    await server.kill();
    await server.restart();
    expected.unshift((await post(`${round} at once after it #${tag}`, eve.token, server.base)).text);
  }
  await becomes('after three kills each tweet once, in order', () => texts(page), expected, 30);
  await becomes('and the count', () => count(page), expected.length);
  await context.close();
  await server.end();
  // What is asked of a server while it is killed or not yet there again.
  const socket = `${server.base.replace('http', 'ws')}/graphql`;
  quiet(new RegExp(`^WebSocket connection to '${socket}' failed: .*ERR_CONNECTION_(REFUSED|RESET)$`), CUT);
}

/** Milliseconds from one tweet to the next: four times a thousand a minute. */
const PACE = 15;

/** A storm: the page stays smooth, and does not grow without end. */
async function storm(browser, ada) {
  const TWEETS = 1000;
  const tag = unique('storm');
  // One who is signed in has a menu at each tweet: the most that there is to draw.
  const { page, context } = await wall(browser, tag, { init: signedIn(await signUp()) });
  await page.evaluate(() => {
    window.longTasks = [];
    new PerformanceObserver((list) => window.longTasks.push(...list.getEntries().map(({ duration }) => duration))).observe({ type: 'longtask' });
  });
  const inspector = await context.newCDPSession(page);
  await inspector.send('Performance.enable');
  const worked = async () => {
    const { metrics } = await inspector.send('Performance.getMetrics');
    return metrics.find(({ name }) => name === 'TaskDuration').value;
  };
  const before = await worked();
  const begun = Date.now();
  let next = 0;
  const writer = async () => {
    while (next < TWEETS) {
      next += 1;
      const due = begun + next * PACE;
      if (due > Date.now()) await sleep(due - Date.now());
      await post(`Tweet ${next} in the storm of #${tag}`, ada.token);
    }
  };
  await Promise.all(Array.from({ length: 8 }, writer));
  const seconds = (Date.now() - begun) / 1000;
  await becomes(`${TWEETS} tweets are counted`, () => count(page), TWEETS);
  const busy = (await worked()) - before;
  const tasks = (await page.evaluate(() => window.longTasks)).sort((a, b) => a - b);
  const median = tasks[Math.floor(tasks.length / 2)] ?? 0;
  console.log(`        ${TWEETS} tweets in ${seconds.toFixed(1)} s: the page was busy for ${busy.toFixed(1)} s`);
  console.log(`        ${tasks.length} long tasks, median ${median} ms, longest ${tasks.at(-1) ?? 0} ms`);
  check('no long task over 200 ms at the median', median <= 200, tasks);
  const articles = await page.locator('article').count();
  check('the page keeps the newest only', articles <= 100, articles);
  check('newest first', (await texts(page))[0].includes('in the storm'));
  await context.close();
}

await main(async () => {
  const browser = await launch();
  const ada = await signUp();
  await offline(browser, ada);
  await late(browser, ada);
  await killed(browser);
  await storm(browser, ada);
  quiet();
  await browser.close();
});
