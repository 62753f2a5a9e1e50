// Automatic persisted queries by Apollo Client's own link: a document's text goes over the wire
// once, and by GET where the client prefers that.

import { createHash } from 'node:crypto';
import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { check, main, same, unique, url } from './check.mjs';

const sha256 = (text) => createHash('sha256').update(text).digest('hex');

/** A client that notes what it sends, and that keeps nothing. */
function clientWith({ useGETForHashedQueries, accept }) {
  const sent = [];
  const noting = async (address, options) => {
    const parameters = new URL(address).searchParams;
    const body = options.body ? JSON.parse(options.body) : Object.fromEntries(parameters);
    const response = await fetch(address, options);
    sent.push({ method: options.method, text: body.query !== undefined, status: response.status });
    return response;
  };
  const http = new HttpLink({ uri: url, fetch: noting, headers: accept ? { accept } : {} });
  const link = ApolloLink.from([new PersistedQueryLink({ sha256, useGETForHashedQueries }), http]);
  const client = new ApolloClient({ link, cache: new InMemoryCache(), defaultOptions: { query: { fetchPolicy: 'no-cache' } } });
  return { client, sent };
}

await main(async () => {
  for (const accept of [undefined, 'application/json', 'application/graphql-response+json']) {
    for (const useGETForHashedQueries of [false, true]) {
      const name = `${accept ?? 'default'}, ${useGETForHashedQueries ? 'GET' : 'POST'}`;
      const { client, sent } = clientWith({ useGETForHashedQueries, accept });
      // A document that nobody has sent before.
      const query = gql(`query ${unique('Q')} { __typename eventCursor }`);
      for (const round of ['first', 'second']) {
        const { data } = await client.query({ query });
        check(`${name}: ${round} answer`, data.__typename === 'Query' && data.eventCursor);
      }
      same(`${name}: the text is sent once`, sent.map(({ text }) => text), [false, true, false]);
      same(`${name}: the last request`, sent[2], { method: useGETForHashedQueries ? 'GET' : 'POST', text: false, status: 200 });
    }
  }
});
