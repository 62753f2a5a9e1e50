// Pictures of every page at three widths, light and dark: `npm run screenshots`, into `screenshots/`.
// They show a server of their own, with a few people in it. Chromium and the packages of
// `tests/clients` have to be there, and the server built.

import { existsSync } from 'node:fs';
import { join } from 'node:path';

const here = import.meta.dirname;
const built = ['release', 'debug'].map((kind) => join(here, '../target', kind, 'linnet')).find(existsSync);
process.env.LINNET_PROGRAM ??= built;

const clients = join(here, '../tests/clients');
const { start } = await import(join(clients, 'server.mjs'));
const { chromium } = (await import(join(clients, 'node_modules/playwright-core/index.js'))).default;

const server = await start();

async function ask(query, variables, token) {
  const headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) };
  const response = await fetch(`${server.base}/graphql`, { method: 'POST', headers, body: JSON.stringify({ query, variables }) });
  const { data, errors } = await response.json();
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}

const write = (name, type, input, token, selection = '__typename') =>
  ask(`mutation($input: ${type}!) { ${name}(input: $input) { ${selection} } }`, { input }, token).then((data) => data[name]);

async function person(username, displayName, bio) {
  const account = await write('signUp', 'SignUpInput', { username, displayName, password: 'a long password' }, undefined, 'token expiresAt user { id username }');
  if (bio) await write('updateProfile', 'UpdateProfileInput', { bio }, account.token);
  return account;
}

const post = ({ token }, text, inReplyTo) =>
  write('postTweet', 'PostTweetInput', { text, inReplyTo }, token, 'tweet { id }').then(({ tweet }) => tweet.id);

const ada = await person('ada', 'Ada Lovelace', 'Notes on the Analytical Engine. Mostly on what it might compose.');
const grace = await person('grace', 'Grace Hopper', 'It is easier to ask forgiveness.');
const omar = await person('omar_k', 'عمر الخيام');
const yuki = await person('yuki', '結城ゆき');
const long = await person('the_longest_username', 'A name as long as names may be, to the 50th letter');

for (const other of [grace, omar, yuki, long]) {
  await write('follow', 'FollowInput', { targetId: other.user.id }, ada.token);
  await write('follow', 'FollowInput', { targetId: ada.user.id }, other.token);
}
await post(yuki, '会場に着きました！ #RustConf の朝はコーヒーから。');
await post(omar, 'مرحبا بالجميع في #RustConf، اليوم نتحدث عن الأمان في الذاكرة.');
const first = await post(ada, 'Good morning, #RustConf! The hall is filling up. Slides at https://example.com/slides/2026/engine-notes-for-everybody');
await post(long, 'Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft #RustConf #lange_Wörter');
const second = await post(grace, 'Ask @ada about the notes. The best part of #RustConf is the hallway.\n\nSee you at the coffee.');
const answer = await post(yuki, '@ada 楽しみです！', first);
await post(ada, '@yuki So am I.', answer);
for (const { token } of [grace, omar, yuki]) {
  await write('likeTweet', 'TweetRefInput', { id: first }, token);
  await write('retweet', 'TweetRefInput', { id: first }, token);
}
await write('likeTweet', 'TweetRefInput', { id: second }, ada.token);
await write('retweet', 'TweetRefInput', { id: second }, omar.token);
await post(grace, 'A bug was found in relay 70. An actual one. #RustConf');

server.run('user', 'promote', 'ada');
const hall = { slug: 'rustconf', title: 'RustConf 2026', hashtags: ['RustConf'], keywords: ['relay'], accounts: ['ada'] };
await write('putWall', 'PutWallInput', hall, ada.token);

const PAGES = {
  home: '/',
  tweet: `/tweet/${first.replace('Tweet:', '')}`,
  profile: '/user/ada',
  following: '/user/ada/following',
  notifications: '/notifications',
  search: '/search?q=rust',
  settings: '/settings',
  hashtag: '/hashtag/rustconf',
  wall: '/wall/rustconf',
  projector: '/wall/rustconf?projector',
  discover: '/search',
  graphiql: '/graphiql',
  'sign-up': '/sign-up',
};
const STRANGERS = ['sign-up'];

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
for (const [width, height] of [[390, 844], [1280, 800], [1920, 1080]]) {
  for (const colorScheme of ['light', 'dark']) {
    for (const [name, path] of Object.entries(PAGES)) {
      const page = await browser.newPage({ viewport: { width, height }, colorScheme });
      if (!STRANGERS.includes(name)) {
        const session = JSON.stringify({ token: ada.token, username: 'ada', expiresAt: ada.expiresAt });
        await page.addInitScript((value) => localStorage.setItem('linnet:session', value), session);
      }
      await page.goto(server.base + path);
      await page.locator('article, .row, form, .result-window').first().waitFor();
      await page.waitForTimeout(1500);
      await page.screenshot({ path: join(here, 'screenshots', `${name}-${width}-${colorScheme}.png`) });
      await page.close();
    }
  }
}
await browser.close();
await server.end();
process.exit(0);
