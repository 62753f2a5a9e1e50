// Every page with something in it, on a phone, a desk and a wall, light and dark: readable for
// everybody, nothing cut off.

import { accessible } from './axe.mjs';
import { launch, quiet, visit } from './browser.mjs';
import { check, main, same } from './check.mjs';
import { crowd } from './crowd.mjs';
import { start } from './server.mjs';

const SCREENS = [
  { viewport: { width: 390, height: 844 }, colorScheme: 'dark' },
  { viewport: { width: 1280, height: 800 }, colorScheme: 'light' },
];

/** Whether the first tweet's text lies within the window's width. */
async function inSight(page) {
  const { x, width } = (await page.locator('article .text').first().boundingBox()) ?? { x: -1, width: 0 };
  return x >= 0 && width > 0 && x + width <= page.viewportSize().width;
}

/** Looks at pages that are all the same person's. */
async function look(browser, home, screen, pages) {
  const [[, { init }]] = pages;
  const { page, context } = await visit(browser, '/', { home, init, ...screen });
  const { width } = screen.viewport;
  for (const [name, { path, ready, act }] of pages) {
    await page.goto(home + path);
    await page.locator(ready).first().waitFor();
    await act(page);
    await accessible(page, `${name} at ${width} px`);
    for (const wider of width > 390 ? [width, 1920] : [width]) {
      await page.setViewportSize({ ...screen.viewport, width: wider });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      same(`${name} has nothing that sticks out at ${wider} px`, wide, wider);
    }
    await page.setViewportSize(screen.viewport);
    if (ready === 'article') check(`${name} shows a tweet at ${width} px`, await inSight(page));
  }
  await context.close();
}

await main(async () => {
  const server = await start();
  // GraphiQL has checks of its own.
  const pages = (await crowd(server)).filter(([name]) => name !== 'graphiql');
  const browser = await launch();
  for (const screen of SCREENS) {
    await look(browser, server.base, screen, pages.filter(([, { init }]) => init));
    await look(browser, server.base, screen, pages.filter(([, { init }]) => !init));
  }
  quiet();
  await browser.close();
  await server.end();
});
