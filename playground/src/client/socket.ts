// The one WebSocket of a page. It opens with the first stream, closes after the last, and comes
// back until then, whatever cut it.

import { CloseCode, createClient } from 'graphql-ws';
import { onSession, session } from '../session';
import { refuse } from './ended';
import { setLine } from './line';

/** Signs of life, and how long to wait for the answer, in milliseconds. */
const PING = 10_000;
const PONG = 5_000;
const LONGEST_WAIT = 10_000;

let tokenSent: string | null = null;
let silence: number | undefined;
/** One that is still connecting takes the newest token by itself, and browsers complain when it is cut. */
let isOpen = false;

export const socket = createClient({
  url: new URL('/graphql', location.href).href.replace(/^http/, 'ws'),
  connectionParams() {
    tokenSent = session()?.token ?? null;
    return tokenSent === null ? {} : { Authorization: `Bearer ${tokenSent}` };
  },
  keepAlive: PING,
  retryAttempts: Infinity,
  shouldRetry: () => true,
  retryWait: (retries) => calm(Math.min(250 * 2 ** retries, LONGEST_WAIT) * (0.5 + Math.random() / 2)),
  on: {
    opened() {
      isOpen = true;
    },
    connected: () => setLine('open'),
    closed(event) {
      isOpen = false;
      window.clearTimeout(silence);
      const { code } = event as CloseEvent;
      if (code === CloseCode.Forbidden && tokenSent !== null) refuse(tokenSent);
      setLine(code === 1000 ? 'idle' : 'lost');
    },
    ping(received) {
      if (!received) silence = window.setTimeout(() => socket.terminate(), PONG);
    },
    pong(received) {
      if (received) window.clearTimeout(silence);
    },
  },
});

/** Waits this long, in milliseconds, or until the network is back. */
function calm(wait: number): Promise<void> {
  return new Promise((resolve) => {
    const over = () => {
      window.clearTimeout(timer);
      window.removeEventListener('online', over);
      resolve();
    };
    const timer = window.setTimeout(over, wait);
    window.addEventListener('online', over);
  });
}

// A line that nothing comes through any more is not always told of.
window.addEventListener('offline', () => {
  setLine('lost');
  if (isOpen) socket.terminate();
});

// A stream is somebody's: it goes on under the new token.
onSession(() => {
  if (isOpen && tokenSent !== (session()?.token ?? null)) socket.terminate();
});
