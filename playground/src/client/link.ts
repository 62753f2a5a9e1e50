// What an operation goes through: subscriptions over the WebSocket, the rest over HTTP.

import { ApolloLink, HttpLink, Observable } from '@apollo/client';
import { ServerError } from '@apollo/client/errors';
import { SetContextLink } from '@apollo/client/link/context';
import { ErrorLink } from '@apollo/client/link/error';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { resumable } from '../resume';
import { session } from '../session';
import { refuse } from './ended';
import { listen } from './line';
import { socket } from './socket';

/** A stream that comes back after a broken line goes on behind its last cursor. */
const resume = new ApolloLink(
  (operation, forward) =>
    new Observable((observer) => {
      const { params, note } = resumable({ variables: operation.variables });
      operation.variables = params.variables;
      const over = listen();
      const subscription = forward(operation).subscribe({
        next(result) {
          note(result);
          observer.next(result);
        },
        error: (error) => observer.error(error),
        complete: () => observer.complete(),
      });
      return () => {
        subscription.unsubscribe();
        over();
      };
    }),
);

const bearer = new SetContextLink(({ headers }) => {
  const token = session()?.token;
  return token ? { token, headers: { ...headers, authorization: `Bearer ${token}` } } : {};
});

/** A token that the server does not take is no session any more. */
const refused = new ErrorLink(({ error, operation }) => {
  const { token } = operation.getContext();
  if (ServerError.is(error) && error.statusCode === 401 && typeof token === 'string') refuse(token);
});

export const link = ApolloLink.split(
  ({ operationType }) => operationType === 'subscription',
  ApolloLink.from([resume, new GraphQLWsLink(socket)]),
  ApolloLink.from([bearer, refused, new HttpLink({ uri: '/graphql' })]),
);
