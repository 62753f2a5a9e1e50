// The client of `graphql-ws` over one WebSocket: every kind of operation, the
// live hashtag with its resumption, and refusal.

import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { check, DELETE_TWEET, EDIT_TWEET, main, post, POST_TWEET, same, SIGN_UP, sleep, unique, within, wsUrl } from './check.mjs';

const STREAM = `subscription Live($hashtag: String!, $after: String) {
  hashtagStream(hashtag: $hashtag, after: $after) {
    kind tweetId cursor occurredAt
    tweet { id text author { username } }
    hashtag { name tweetCount }
  }
}`;

const clients = [];
const connect = (token, options = {}) => {
  const client = createClient({
    url: wsUrl,
    webSocketImpl: WebSocket,
    retryAttempts: 0,
    connectionParams: token ? { Authorization: `Bearer ${token}` } : undefined,
    ...options,
  });
  clients.push(client);
  return client;
};

/** The one result of an operation. */
const one = (client, query, variables) =>
  within(10, query.slice(0, 40), new Promise((resolve, reject) => {
    let result;
    client.subscribe({ query, variables }, {
      next: (value) => (result = value),
      error: reject,
      complete: () => resolve(result),
    });
  }));

/** Its data, where there is to be no error. */
async function dataOf(client, query, variables) {
  const { data, errors } = await one(client, query, variables);
  if (errors) throw new Error(`${query.slice(0, 40)}: ${JSON.stringify(errors)}`);
  return data;
}

/** A cursor to subscribe from: it matters no more when the server takes the subscription up. */
const now = async (client) => (await dataOf(client, '{ eventCursor }')).eventCursor;

/** A subscription whose events can be awaited one by one. */
function stream(client, query, variables) {
  const events = [];
  let wake = () => {};
  let failure;
  const stop = client.subscribe({ query, variables }, {
    next: ({ data, errors }) => {
      if (errors) failure = new Error(JSON.stringify(errors));
      else events.push(data.hashtagStream);
      wake();
    },
    error: (error) => {
      failure = error instanceof Error ? error : new Error(JSON.stringify(error.code ?? error));
      wake();
    },
    complete: () => wake(),
  });
  const next = (what) =>
    within(10, what, (async () => {
      while (events.length === 0) {
        if (failure) throw failure;
        await new Promise((resolve) => (wake = resolve));
      }
      return events.shift();
    })());
  return { next, stop, rest: () => events.splice(0) };
}

await main(async () => {
  // Nobody in particular: a query, signing up, a document that is wrong.
  const anonymous = connect();
  same('a query', await dataOf(anonymous, '{ __typename }'), { __typename: 'Query' });
  const username = unique('w');
  const account = await dataOf(anonymous, SIGN_UP, { input: { username, password: 'a long password' } });
  same('signUp', account.signUp.user.username, username);
  const { token } = account.signUp;

  const refused = await one(anonymous, '{ nonsense }').then(
    (result) => ({ result }),
    (error) => ({ error }),
  );
  same('a wrong document is an error message', refused.error?.[0]?.extensions?.code, 'GRAPHQL_VALIDATION_FAILED');
  const write = await one(anonymous, POST_TWEET, { input: { text: 'nobody' } });
  same('an anonymous write', write.errors?.[0]?.extensions?.code, 'UNAUTHENTICATED');

  // The token in connection_init.
  let ponged;
  const pong = new Promise((resolve) => (ponged = resolve));
  const client = connect(token, { keepAlive: 200, on: { pong: (received) => received && ponged() } });
  same('the viewer', await dataOf(client, '{ viewer { username } }'), { viewer: { username } });

  // Posted, edited, deleted.
  const tag = unique('live');
  const live = stream(client, STREAM, { hashtag: tag, after: await now(client) });
  const text = `Hello #${tag}`;
  const posted = await dataOf(client, POST_TWEET, { input: { text } });
  const { id } = posted.postTweet.tweet;
  const created = await live.next('CREATED');
  same('CREATED', [created.kind, created.tweetId, created.tweet], ['CREATED', id, { id, text, author: { username } }]);
  same('the hashtag with its count', created.hashtag, { name: tag, tweetCount: 1 });
  await dataOf(client, EDIT_TWEET, { input: { id, text: `${text} again` } });
  const updated = await live.next('UPDATED');
  same('UPDATED', [updated.kind, updated.tweetId, updated.tweet?.text], ['UPDATED', id, `${text} again`]);
  await dataOf(client, DELETE_TWEET, { input: { id } });
  const deleted = await live.next('DELETED');
  same('DELETED', [deleted.kind, deleted.tweetId, deleted.tweet], ['DELETED', id, null]);
  live.stop();

  // What happened while nobody listened comes first, then what is live.
  const missed = [await post(`One #${tag}`, token), await post(`Two #${tag}`, token)];
  const resumed = stream(connect(), STREAM, { hashtag: tag, after: deleted.cursor });
  const replay = [await resumed.next('the first missed'), await resumed.next('the second missed')];
  same('resumed with after', replay.map(({ kind, tweetId }) => [kind, tweetId]), missed.map((tweet) => ['CREATED', tweet.id]));
  const third = await post(`Three #${tag}`, token);
  same('and goes on live', (await resumed.next('the live one')).tweetId, third.id);
  await sleep(300);
  same('nothing twice', resumed.rest(), []);
  resumed.stop();

  // Many subscriptions on one socket.
  const after = await now(client);
  const many = Array.from({ length: 100 }, () => stream(client, STREAM, { hashtag: tag, after }));
  const fourth = await post(`Four #${tag}`, token);
  const got = await Promise.all(many.map((each) => each.next('one of 100 subscriptions')));
  check('100 subscriptions on one socket', got.every(({ tweetId }) => tweetId === fourth.id));
  await within(5, 'a pong', pong);
  check('pings are answered', true);
  many.forEach((each) => each.stop());

  // A token that is none.
  const closed = await within(10, 'the refusal', new Promise((resolve) => {
    connect('no-such-token').subscribe({ query: '{ __typename }' }, {
      next: (value) => resolve({ value }),
      error: (error) => resolve(error),
      complete: () => resolve({ complete: true }),
    });
  }));
  same('a bad token is closed with 4403', closed.code, 4403);

  await Promise.all(clients.map((each) => each.dispose()));
});
