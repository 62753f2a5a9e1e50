// The GraphQL over HTTP audits of `graphql-http`: all of them are to be ok.

import { auditServer } from 'graphql-http';
import { check, main, url } from './check.mjs';

await main(async () => {
  const results = await auditServer({ url });
  for (const { id, name, status, reason } of results) {
    check(`${id} ${name}`, status === 'ok', `${status}: ${reason}`);
  }
  check('there are 61 audits', results.length === 61, results.length);
});
