// A server of a script's own, to be started with other options, killed and started again.

import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const PROGRAM = process.env.LINNET_PROGRAM;

/** Starts a server on a fresh database. */
export async function start(...options) {
  const folder = mkdtempSync(join(tmpdir(), 'linnet-'));
  const database = `sqlite://${join(folder, 'linnet.db')}`;
  const server = { base: undefined, process: undefined };
  let listen = '127.0.0.1:0';

  const begin = async () => {
    const given = ['serve', '--listen', listen, '--database-url', database, '--rate-limit', 'off', ...options];
    server.process = spawn(PROGRAM, given, { stdio: ['ignore', 'pipe', 'ignore'] });
    for await (const line of createInterface(server.process.stdout)) {
      server.base = line.replace('listening on ', '');
      listen = new URL(server.base).host;
      return;
    }
    throw new Error('the server did not start');
  };
  server.kill = () =>
    new Promise((resolve) => {
      server.process.once('exit', resolve);
      server.process.kill('SIGKILL');
    });
  /** Runs a command of an operator beside it. */
  server.run = (...command) => execFileSync(PROGRAM, [...command, '--database-url', database], { stdio: 'ignore' });
  /** Starts it again on the same database, under the same address. */
  server.restart = begin;
  server.end = async () => {
    await server.kill();
    rmSync(folder, { recursive: true });
  };
  process.once('exit', () => server.process.kill('SIGKILL'));
  await begin();
  return server;
}
