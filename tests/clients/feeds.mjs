// The pages of users, hashtags and walls tell readers of news where their feeds are: in what the
// server sends, since readers run no script, and on every page that one goes to from there.

import { launch, quiet, visit } from './browser.mjs';
import { base, becomes, check, main, post, same, signUp, unique } from './check.mjs';
import { start } from './server.mjs';

const FORMS = { rss: 'application/rss+xml', atom: 'application/atom+xml', json: 'application/feed+json' };
const expected = (of) => Object.entries(FORMS).map(([ending, type]) => [type, `${of}.${ending}`]);

/** Those that a page's text names. */
async function sent(home, path) {
  const page = await (await fetch(home + path)).text();
  return [...page.matchAll(/<link rel="alternate" type="([^"]+)" title="[^"]+" href="([^"]+)" \/>/g)].map(([, type, href]) => [type, href]);
}

/** Those that a page in a browser has. */
const shown = (page) =>
  page.evaluate(() => [...document.querySelectorAll('head link[rel=alternate]')].map((link) => [link.type, link.getAttribute('href')]));

await main(async () => {
  const { user, token } = await signUp();
  const tag = unique('feeds');
  await post(`Read me #${tag}`, token);
  const own = `/user/${user.username}`;
  for (const [path, of] of [
    [own, own],
    [`${own}/likes`, own],
    [`/hashtag/${tag}`, `/hashtag/${tag}`],
    ['/hashtag/l%C3%A4nge', '/hashtag/l%C3%A4nge'],
    ['/wall/hall', '/wall/hall'],
  ]) {
    same(`${path} names its feeds`, await sent(base, path), expected(of));
  }
  same('what is no name is none in the page', await sent(base, '/hashtag/%22%3E%3Cscript%3E'), expected('/hashtag/%22%3E%3Cscript%3E'));
  for (const path of ['/', '/search', '/tweet/1']) same(`${path} has none`, await sent(base, path), []);
  for (const [type, href] of await sent(base, own)) {
    const answer = await fetch(base + href);
    const kind = answer.headers.get('content-type');
    check(`${href} is there`, answer.ok && kind.startsWith(type) && (await answer.text()).includes('Read me'), [answer.status, kind]);
  }

  const browser = await launch();
  const { page } = await visit(browser, `/hashtag/${tag}`);
  await becomes('a page that one comes to', () => shown(page), expected(`/hashtag/${tag}`));
  await page.locator('article .who').first().click();
  await page.getByText('1 tweet').waitFor();
  await becomes('a page that one goes to', () => shown(page), expected(own));
  await page.getByRole('link', { name: 'Search' }).click();
  await becomes('and one without', () => shown(page), []);

  const closed = await start('--public-access', 'off');
  same('where only members may read there are none', await sent(closed.base, '/user/ada'), []);
  const { page: other } = await visit(browser, '/user/ada', { home: closed.base });
  await other.getByText('Log in first.').waitFor();
  same('in a browser either', await shown(other), []);
  await closed.end();
  quiet(/Failed to load resource: .* 40[01]/);
  await browser.close();
});
