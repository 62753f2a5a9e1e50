// graphql-sse in distinct connections mode: results, errors, a live hashtag and its resumption.

import { createClient, NetworkError } from 'graphql-sse';
import { ask, main, post, POST_TWEET, same, signUp, sleep, unique, url, within } from './check.mjs';

const connect = (token, options = {}) =>
  createClient({
    url: `${url}/stream`,
    headers: token ? { authorization: `Bearer ${token}` } : {},
    retryAttempts: 0,
    ...options,
  });

const STREAM = `subscription Live($hashtag: String!, $after: String) {
  hashtagStream(hashtag: $hashtag, after: $after) { kind tweetId cursor tweet { id text author { username } } }
}`;

/** The results of an operation that ends by itself. */
const all = (client, query, variables) =>
  within(10, query.slice(0, 40), (async () => {
    const results = [];
    for await (const result of client.iterate({ query, variables })) results.push(result);
    return results;
  })());

await main(async () => {
  const anonymous = connect();
  same('a query', await all(anonymous, '{ __typename }'), [{ data: { __typename: 'Query' } }]);
  const refused = await all(anonymous, '{ nonsense }');
  same('a wrong document', refused[0]?.errors?.[0]?.extensions?.code, 'GRAPHQL_VALIDATION_FAILED');

  const account = await signUp();
  const client = connect(account.token);
  const viewer = await all(client, '{ viewer { username } }');
  same('the viewer', viewer, [{ data: { viewer: { username: account.user.username } } }]);

  const tag = unique('sse');
  const { eventCursor } = await ask('{ eventCursor }');
  const live = client.iterate({ query: STREAM, variables: { hashtag: tag, after: eventCursor } });
  const next = async (stream, what) => (await within(10, what, stream.next())).value.data.hashtagStream;
  const posted = (await all(client, POST_TWEET, { input: { text: `Hello #${tag}` } }))[0].data.postTweet.tweet;
  const created = await next(live, 'CREATED');
  same('CREATED', [created.kind, created.tweet.text], ['CREATED', posted.text]);
  await live.return();

  const missed = [await post(`One #${tag}`, account.token), await post(`Two #${tag}`, account.token)];
  const resumed = connect().iterate({ query: STREAM, variables: { hashtag: tag, after: created.cursor } });
  for (const { id } of missed) same('a missed one', (await next(resumed, 'a missed one')).tweetId, id);
  const third = await post(`Three #${tag}`, account.token);
  same('and a live one', (await next(resumed, 'a live one')).tweetId, third.id);
  await resumed.return();

  const expired = await all(anonymous, STREAM, { hashtag: tag, after: 'AgAAAAAAAAB7AAAAAA' });
  same('a cursor that never was', expired[0].errors[0].extensions.code, 'CURSOR_EXPIRED');
  const status = await within(10, 'the refusal', all(connect('no-such-token'), '{ __typename }').catch((error) =>
    error instanceof NetworkError ? error.response?.status : String(error)));
  same('a bad token', status, 401);

  const ending = connect(account.token).iterate({ query: STREAM, variables: { hashtag: tag } });
  const end = ending.next();
  await sleep(100);
  await all(client, 'mutation { logOut }');
  const last = await within(5, 'the end of the session', end);
  same('a stream ends with its session', last.value?.errors?.[0]?.extensions?.code, 'UNAUTHENTICATED');
});
