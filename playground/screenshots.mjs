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

const { crowd } = await import(join(clients, 'crowd.mjs'));

const server = await start();
const pages = await crowd(server);
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
for (const [width, height] of [[390, 844], [1280, 800], [1920, 1080]]) {
  for (const colorScheme of ['light', 'dark']) {
    for (const [name, { path, init, ready, act }] of pages) {
      const page = await browser.newPage({ viewport: { width, height }, colorScheme });
      if (init) await page.addInitScript(init.script, init.argument);
      await page.goto(server.base + path);
      await page.locator(ready).first().waitFor();
      await act(page);
      await page.waitForTimeout(1500);
      await page.screenshot({ path: join(here, 'screenshots', `${name}-${width}-${colorScheme}.png`) });
      await page.close();
    }
  }
}
await browser.close();
await server.end();
process.exit(0);
