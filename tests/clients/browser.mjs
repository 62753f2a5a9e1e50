// A real browser before the server's pages: what it asks for, what it complains of.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { base, same } from './check.mjs';

const EXECUTABLE = process.env.CHROMIUM ?? '/usr/bin/chromium';
const SCREENSHOTS = process.env.SCREENSHOTS;

/** What went to another host, and what the consoles said, over all pages. */
export const foreign = new Set();
const complaints = [];

export const launch = () => chromium.launch({ executablePath: EXECUTABLE, args: ['--no-sandbox'] });

/** A browser of its own with one page; `home` is the server whose pages it reads. */
export async function visit(browser, path, { home = base, init, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  await context.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`);
    });
  });
  if (init) await context.addInitScript(init.script, init.argument);
  const page = await context.newPage();
  watch(page, home);
  const response = await page.goto(`${home}${path}`);
  return { page, context, response };
}

function watch(page, home) {
  page.setDefaultTimeout(30_000);
  page.on('request', (request) => {
    const { protocol, origin } = new URL(request.url());
    if (protocol !== 'data:' && origin !== home) foreign.add(request.url());
  });
  page.on('websocket', (socket) => {
    if (!socket.url().startsWith(`${home.replace(/^http/, 'ws')}/`)) foreign.add(socket.url());
  });
  page.on('console', (message) => {
    if (message.type() !== 'info' && message.type() !== 'log') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.stack ?? String(error)));
}

/** Signs somebody in before the page's own scripts run. */
export const signedIn = ({ token, user }) => ({
  script: (session) => localStorage.setItem('linnet:session', session),
  argument: JSON.stringify({ token, username: user.username, expiresAt: null }),
});

export async function picture(page, name) {
  if (!SCREENSHOTS) return;
  mkdirSync(SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`) });
}

/**
 * The pages stayed on the server, and since this was last asked nobody complained but as was
 * foreseen: a browser logs requests that fail, those that it notices, at a time of its own.
 */
export function quiet(...foreseen) {
  same('no request leaves the server', [...foreign], []);
  const others = complaints.splice(0).filter((text) => !foreseen.some((pattern) => pattern.test(text)));
  same('no complaint in the console', others, []);
}
