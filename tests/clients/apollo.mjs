// Apollo Client with its normalised cache: pages, the live hashtag from a
// cursor on, and errors with their codes.

import { ApolloClient, ApolloLink, CombinedGraphQLErrors, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { SetContextLink } from '@apollo/client/link/context';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { getMainDefinition, relayStylePagination } from '@apollo/client/utilities';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { ask, check, EDIT_TWEET, main, post, POST_TWEET, same, SIGN_UP, sleep, unique, url, within, wsUrl } from './check.mjs';

let token;

const socket = createClient({
  url: wsUrl,
  webSocketImpl: WebSocket,
  connectionParams: () => (token ? { Authorization: `Bearer ${token}` } : {}),
});

const http = ApolloLink.from([
  new SetContextLink(({ headers }) => ({
    headers: { ...headers, ...(token ? { authorization: `Bearer ${token}` } : {}) },
  })),
  new HttpLink({ uri: url }),
]);

const client = new ApolloClient({
  link: ApolloLink.split(
    ({ query }) => {
      const definition = getMainDefinition(query);
      return definition.kind === 'OperationDefinition' && definition.operation === 'subscription';
    },
    new GraphQLWsLink(socket),
    http,
  ),
  cache: new InMemoryCache({
    typePolicies: {
      Query: { fields: { tweets: relayStylePagination(['contains', 'author', 'hashtag']) } },
      User: { fields: { tweets: relayStylePagination() } },
    },
  }),
});

const PAGE = gql`
  fragment Page on TweetConnection {
    edges { cursor node { id text author { id username } } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
`;
const USER_TWEETS = gql`
  query UserTweets($username: String!, $first: Int, $after: String) {
    user(username: $username) { id username tweets(first: $first, after: $after) { ...Page } }
  }
  ${PAGE}
`;
const TAGGED = gql`
  query Tagged($hashtag: String!, $first: Int, $after: String) {
    tweets(hashtag: $hashtag, first: $first, after: $after) { ...Page }
    eventCursor
  }
  ${PAGE}
`;
const STREAM = gql`
  subscription Live($hashtag: String!, $after: String) {
    hashtagStream(hashtag: $hashtag, after: $after) {
      kind tweetId cursor
      tweet { id text author { id username } }
    }
  }
`;

const texts = ({ edges }) => edges.map(({ node }) => node.text);

/** Page by page to the end; the cache puts them together. */
async function pages(what, query, variables, connection, expected) {
  const watched = client.watchQuery({ query, variables: { ...variables, first: 2 }, notifyOnNetworkStatusChange: false });
  const subscription = watched.subscribe({});
  let shown = connection(await settled(watched, connection));
  same(`${what}: the first page`, texts(shown), expected.slice(0, 2));
  for (let page = 2; shown.pageInfo.hasNextPage && page < 5; page += 1) {
    const { length } = shown.edges;
    await watched.fetchMore({ variables: { after: shown.pageInfo.endCursor } });
    shown = connection(await settled(watched, (data) => connection(data).edges.length > length));
    same(`${what}: with page ${page}`, texts(shown), expected.slice(0, 2 * page));
  }
  same(`${what}: all pages, none twice`, texts(shown), expected);
  same(`${what}: hasNextPage at the end`, shown.pageInfo.hasNextPage, false);
  subscription.unsubscribe();
}

/** Waits until what a watched query shows satisfies `good`. */
async function settled(watched, good) {
  const until = Date.now() + 10_000;
  for (;;) {
    const { data, error } = watched.getCurrentResult();
    if (data && good(data)) return data;
    if (error) throw error;
    if (Date.now() > until) throw new Error(`the query still shows ${JSON.stringify(data)}`);
    await sleep(20);
  }
}

const failure = (promise) => promise.then((result) => result, (error) => error);

await main(async () => {
  const username = unique('a');
  const signedUp = await client.mutate({
    mutation: gql(SIGN_UP),
    variables: { input: { username, password: 'a long password' } },
  });
  same('signUp', signedUp.data.signUp.user.username, username);
  token = signedUp.data.signUp.token;

  const tag = unique('apollo');
  const expected = [];
  for (const number of [1, 2, 3, 4, 5]) {
    const text = `Number ${number} #${tag}`;
    const { data } = await client.mutate({ mutation: gql(POST_TWEET), variables: { input: { text } } });
    expected.unshift(data.postTweet.tweet.text);
  }
  await pages('user.tweets', USER_TWEETS, { username }, (data) => data.user.tweets, expected);
  await pages('tweets', TAGGED, { hashtag: tag }, (data) => data.tweets, expected);

  // Query, then subscribe from the query's cursor on: what was posted in
  // between is not missed, and what is edited changes in the cache.
  const live = client.watchQuery({ query: TAGGED, variables: { hashtag: tag, first: 3 }, fetchPolicy: 'network-only' });
  const subscription = live.subscribe({});
  await settled(live, (data) => data.tweets.edges.length >= 3);
  const { eventCursor } = (await client.query({
    query: TAGGED,
    variables: { hashtag: tag, first: 3 },
    fetchPolicy: 'network-only',
  })).data;
  check('eventCursor', typeof eventCursor === 'string' && eventCursor.length > 0);
  const between = await post(`In between #${tag}`, token);
  const stop = live.subscribeToMore({
    document: STREAM,
    variables: { hashtag: tag, after: eventCursor },
    updateQuery(previous, { subscriptionData: { data } }) {
      const { kind, tweet, cursor } = data.hashtagStream;
      if (kind !== 'CREATED' || !tweet) return previous;
      const edge = { __typename: 'TweetEdge', cursor, node: tweet };
      return { ...previous, tweets: { ...previous.tweets, edges: [edge, ...previous.tweets.edges] } };
    },
    onError: (error) => check('subscribeToMore', false, String(error)),
  });
  const has = (text) => (data) => texts(data.tweets).filter((each) => each === text).length === 1;
  await settled(live, has(between.text));
  check('subscribeToMore brings what was posted between query and subscription', true);
  const afterwards = await post(`Afterwards #${tag}`, token);
  await settled(live, has(afterwards.text));
  check('and what is posted live', true);
  await ask(EDIT_TWEET, { input: { id: afterwards.id, text: `Edited #${tag}` } }, token);
  await settled(live, has(`Edited #${tag}`));
  check('an edit changes the tweet in the cache', true);
  stop();
  subscription.unsubscribe();

  // Errors and their codes.
  const codes = (error) => (CombinedGraphQLErrors.is(error) ? error.errors.map(({ extensions }) => extensions) : String(error));
  const empty = await failure(client.mutate({ mutation: gql(POST_TWEET), variables: { input: { text: '' } } }));
  same('an empty tweet', [codes(empty)[0]?.code, codes(empty)[0]?.field], ['BAD_USER_INPUT', 'input.text']);
  const taken = await failure(client.mutate({
    mutation: gql(SIGN_UP),
    variables: { input: { username, password: 'a long password' } },
  }));
  same('a username that is taken', codes(taken)[0]?.code, 'CONFLICT');
  const wrong = await failure(client.query({ query: gql`{ nonsense }` }));
  same('a wrong document', codes(wrong)[0]?.code, 'GRAPHQL_VALIDATION_FAILED');
  const tooMany = await failure(client.query({ query: TAGGED, variables: { hashtag: tag, first: 0 }, fetchPolicy: 'no-cache' }));
  same('first: 0', [codes(tooMany)[0]?.code, codes(tooMany)[0]?.field], ['BAD_USER_INPUT', 'first']);
  token = undefined;
  const nobody = await failure(client.mutate({ mutation: gql(POST_TWEET), variables: { input: { text: 'nobody' } } }));
  same('a write without a token', codes(nobody)[0]?.code, 'UNAUTHENTICATED');
  token = 'no-such-token';
  const bad = await failure(client.query({ query: gql`{ viewer { id } }`, fetchPolicy: 'no-cache' }));
  same('a bad token', codes(bad)[0]?.code, 'UNAUTHENTICATED');

  client.stop();
  await within(5, 'closing the socket', Promise.resolve(socket.dispose()));
});
