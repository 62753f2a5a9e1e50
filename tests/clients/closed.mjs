// The app where the house is not open to everybody: `--public-access off`, `--sign-up off`,
// `--production`; and where tweets have another length.

import { accessible } from './axe.mjs';
import { launch, picture, quiet, signedIn, visit } from './browser.mjs';
import { check, main, same, signUp, unique } from './check.mjs';
import { start } from './server.mjs';

/** Only members may read: all pages lead to the door, and those who come in see them. */
async function members(browser) {
  const server = await start('--public-access', 'off', '--production');
  const username = unique('m');
  await signUp(server.base, username);
  const { page, context } = await visit(browser, '/', { home: server.base });
  await page.getByRole('navigation', { name: 'Account' }).waitFor();
  same('strangers are shown no error', await page.getByRole('alert').count(), 0);
  await accessible(page, 'the door');
  await picture(page, 'closed');
  for (const path of ['/hashtag/rust', `/user/${username}`, '/tweet/1', '/search?q=rust']) {
    await page.goto(server.base + path);
    await page.getByText('Log in first.').first().waitFor();
  }
  check('every other page says that one has to log in', true);
  await page.getByRole('alert').getByRole('link', { name: 'Log in' }).first().click();
  await page.getByLabel('Username').fill(username);
  await page.getByLabel('Password').fill('a long password');
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('heading', { name: 'Home' }).waitFor();
  await page.goto(`${server.base}/hashtag/rust`);
  await page.getByText('Nobody has written about #rust yet').waitFor();
  check('a member sees them', true);
  const { status } = await page.goto(`${server.base}/graphiql`).then((response) => ({ status: response.status() }));
  same('GraphiQL is not served in production', status, 404);
  await context.close();
  await server.end();
}

/** Accounts are made by the operator. */
async function noNewcomers(browser) {
  const server = await start('--sign-up', 'off');
  const { page, context } = await visit(browser, '/sign-up', { home: server.base });
  await page.getByText('New accounts are made by those who run this server').waitFor();
  same('who may not sign up is given no form to try it', await page.locator('form, input').count(), 0);
  await accessible(page, 'a closed sign-up');
  await picture(page, 'no-sign-up');
  await page.getByRole('navigation', { name: 'Account' }).getByText('Log in').click();
  await page.getByRole('button', { name: 'Log in' }).waitFor();
  check('but may log in', true);
  await context.close();
  await server.end();
}

/** The operator says how long a tweet may be. */
async function lengths(browser) {
  for (const length of [20, 1000]) {
    const server = await start('--tweet-length', String(length));
    const ada = await signUp(server.base);
    const { page, context } = await visit(browser, '/', { home: server.base, init: signedIn(ada) });
    const composer = page.getByLabel('What is happening?');
    const left = async () => parseInt(await page.getByTestId('characters-left').textContent(), 10);
    const button = page.getByRole('button', { name: 'Post' });
    await composer.waitFor();
    same(`${length} characters may be written`, await left(), length);
    await composer.fill('x'.repeat(length + 1));
    check('and not one more', (await left()) === -1 && (await button.isDisabled()));
    await composer.fill('x'.repeat(length));
    await button.click();
    await page.locator('article').waitFor();
    check('the server takes them', true);
    await context.close();
    await server.end();
  }
}

await main(async () => {
  const browser = await launch();
  await members(browser);
  await noNewcomers(browser);
  await lengths(browser);
  quiet(/Failed to load resource: .* 40[014]/);
  await browser.close();
});
