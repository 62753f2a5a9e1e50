// What axe-core, the checker of accessibility, says of a page.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { same } from './check.mjs';

const source = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Nothing serious is wrong. */
export async function accessible(page, what) {
  // Colours of what is still appearing are not those that it will have.
  await page.evaluate(() => Promise.all(document.getAnimations().map(({ finished }) => finished.catch(() => {}))));
  await page.evaluate(source);
  const wrong = await page.evaluate(async () => {
    const { violations } = await window.axe.run(document, { resultTypes: ['violations'] });
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => ({ id, nodes: nodes.slice(0, 3).map(({ html, failureSummary }) => `${html} ${failureSummary}`) }));
  });
  same(`${what} is accessible`, wrong, []);
}
