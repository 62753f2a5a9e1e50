// The module that resumes streams, `playground/src/resume.ts`, under the real clients of each
// transport. They speak to the server through a proxy whose lines are cut again and again.

import { readFile } from 'node:fs/promises';
import { connect as dial, createServer } from 'node:net';
import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache, Observable } from '@apollo/client';
import { transformSync } from 'amaro';
import { createClient as createSse } from 'graphql-sse';
import { createClient as createWs } from 'graphql-ws';
import WebSocket from 'ws';
import { ask, base, check, main, post, same, signUp, sleep, unique, within } from './check.mjs';

const source = await readFile(new URL('../../playground/src/resume.ts', import.meta.url), 'utf8');
const { code } = transformSync(source, { mode: 'strip-only' });
const { resumable } = await import(`data:text/javascript,${encodeURIComponent(code)}`);

const STREAM = `subscription Live($hashtag: String!, $after: String) {
  hashtagStream(hashtag: $hashtag, after: $after) { tweetId cursor tweet { id text } }
}`;

/** A way to the server that can be cut. */
const lines = new Set();
const proxy = createServer((near) => {
  const far = dial(Number(new URL(base).port), new URL(base).hostname);
  const line = { near, far };
  lines.add(line);
  near.pipe(far).pipe(near);
  for (const end of [near, far]) {
    end.on('error', () => {});
    end.on('close', () => {
      near.destroy();
      far.destroy();
      lines.delete(line);
    });
  }
});
await new Promise((resolve) => proxy.listen(0, '127.0.0.1', resolve));
const address = `127.0.0.1:${proxy.address().port}`;
const cut = () => lines.forEach(({ near, far }) => (near.resetAndDestroy(), far.resetAndDestroy()));

const again = { retryAttempts: 1_000, shouldRetry: () => true, retryWait: () => sleep(20) };

/** Each follows a stream until it is stopped. */
const transports = {
  'graphql-ws': (params, next) => {
    const client = createWs({ url: `ws://${address}/graphql`, webSocketImpl: WebSocket, ...again });
    const { params: resumed, note } = resumable(params);
    client.subscribe(resumed, { next: (result) => (note(result), next(result)), error: fail, complete() {} });
    return () => client.dispose();
  },
  'graphql-sse': (params, next) => {
    const client = createSse({ url: `http://${address}/graphql/stream`, retryAttempts: 1_000, retry: () => sleep(20) });
    const { params: resumed, note } = resumable(params);
    client.subscribe(resumed, { next: (result) => (note(result), next(result)), error: fail, complete() {} });
    return () => client.dispose();
  },
  'Apollo Client in parts': ({ variables }, next) => {
    // A link as docs/CLIENTS.md shows it.
    const resume = new ApolloLink(
      (operation, forward) =>
        new Observable((observer) => {
          const { params, note } = resumable({ variables: operation.variables });
          let subscription;
          let over = false;
          const begin = () => {
            operation.variables = params.variables;
            subscription = forward(operation).subscribe({
              next: (result) => (note(result), observer.next(result)),
              error: () => over || setTimeout(begin, 20),
              complete: () => observer.complete(),
            });
          };
          begin();
          return () => ((over = true), subscription.unsubscribe());
        }),
    );
    const client = new ApolloClient({
      link: ApolloLink.from([resume, new HttpLink({ uri: `http://${address}/graphql` })]),
      cache: new InMemoryCache(),
    });
    const subscription = client.subscribe({ query: gql(STREAM), variables }).subscribe({ next, error: fail });
    return () => (subscription.unsubscribe(), client.stop());
  },
};

function fail(error) {
  check('the stream goes on', false, String(error?.message ?? JSON.stringify(error)));
}

await main(async () => {
  // The module by itself.
  const { params, note } = resumable({ query: 'q', variables: { hashtag: 'a' } });
  note({ data: { s: { cursor: 'one' } } });
  note({ data: { s: { kind: 'CREATED' } } });
  note({ data: null, errors: [] });
  same('the last cursor becomes `after`', params, { query: 'q', variables: { hashtag: 'a', after: 'one' } });
  same('without variables too', resumable({ query: 'q' }).params.variables, {});

  const { token } = await signUp();
  for (const [name, follow] of Object.entries(transports)) {
    const tag = unique('r');
    const { eventCursor } = await ask('{ eventCursor }');
    const heard = [];
    let wake = () => {};
    const stop = follow({ query: STREAM, variables: { hashtag: tag, after: eventCursor } }, ({ data }) => {
      heard.push(data.hashtagStream.tweetId);
      wake();
    });
    const posted = [];
    for (let round = 0; round < 5; round += 1) {
      for (let number = 0; number < 3; number += 1) posted.push((await post(`${round} ${number} #${tag}`, token)).id);
      await within(10, `${name}: round ${round}`, (async () => {
        while (heard.length < posted.length) await new Promise((resolve) => (wake = resolve));
      })());
      cut();
      posted.push((await post(`${round} in between #${tag}`, token)).id);
    }
    await within(10, `${name}: the end`, (async () => {
      while (heard.length < posted.length) await new Promise((resolve) => (wake = resolve));
    })());
    await sleep(100);
    same(`${name}: every event once, whatever is cut`, heard, posted);
    stop();
  }
  proxy.close();
});
