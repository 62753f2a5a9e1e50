// What GraphiQL sends goes through here: queries and mutations over HTTP,
// subscriptions over a WebSocket, each with the remembered token unless the
// tab's headers carry an `Authorization` of their own.

import type { GraphiQLProps } from 'graphiql';
import { getOperationAST, Kind, parse } from 'graphql';
import type { DocumentNode, ExecutionResult, OperationDefinitionNode } from 'graphql';
import { createClient } from 'graphql-ws';
import { resumable } from '../resume';
import { endSession, openSession, session } from '../session';

type Params = { query: string; operationName?: string | null; variables?: unknown };
type Options = { headers?: Record<string, unknown>; documentAST?: DocumentNode };
type Result = ExecutionResult<Record<string, unknown>>;
type Observer = { next(value: unknown): void; error(error: unknown): void; complete(): void };

type Answer = ReturnType<GraphiQLProps['fetcher']>;

const PATH = '/graphql';

export function fetcher(params: Params, options?: Options): Answer {
  const operation = operationOf(params, options);
  const headers = headersOf(options);
  return operation?.operation === 'subscription' ? subscribe(params, headers) : post(params, headers, operation);
}

function operationOf(params: Params, options?: Options): OperationDefinitionNode | null {
  try {
    return getOperationAST(options?.documentAST ?? parse(params.query), params.operationName || undefined) ?? null;
  } catch {
    return null; // The server tells what is wrong with it.
  }
}

function headersOf(options?: Options): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(options?.headers ?? {})) {
    if (value !== null && value !== undefined) headers[name] = String(value);
  }
  const own = Object.keys(headers).find((name) => name.toLowerCase() === 'authorization');
  const remembered = session();
  if (own === undefined && remembered) headers.Authorization = `Bearer ${remembered.token}`;
  // An empty one in the tab means: ask as nobody.
  else if (own !== undefined && headers[own] === '') delete headers[own];
  return headers;
}

function sendsSession(headers: Record<string, string>): boolean {
  const remembered = session();
  return remembered !== null && headers.Authorization === `Bearer ${remembered.token}`;
}

async function post(
  params: Params,
  headers: Record<string, string>,
  operation: OperationDefinitionNode | null,
): Promise<Result> {
  const remembered = session();
  const response = await fetch(PATH, {
    method: 'POST',
    headers: {
      Accept: 'application/graphql-response+json, application/json;q=0.9',
      'Content-Type': 'application/json',
      ...headers,
    },
    body: JSON.stringify(params),
  });
  if (response.status === 401 && sendsSession(headers)) {
    // The session has ended on the server. What nobody in particular may ask
    // (the schema, above all) goes on without it.
    if (remembered) endSession(remembered.token);
    if (operation?.operation === 'query') {
      const { Authorization: _ended, ...rest } = headers;
      return post(params, rest, operation);
    }
  }
  const text = await response.text();
  let result: Result;
  try {
    result = JSON.parse(text);
  } catch {
    throw new Error(`${response.status} ${response.statusText}: ${text.slice(0, 500)}`);
  }
  if (operation?.operation === 'mutation') remember(result, operation);
  return result;
}

// Signing up and logging in answer a token; logging out and deleting the
// account end it.
function remember(result: Result, operation: OperationDefinitionNode): void {
  for (const selection of operation.selectionSet.selections) {
    if (selection.kind !== Kind.FIELD) continue;
    const value = result.data?.[selection.alias?.value ?? selection.name.value];
    if (isOpened(value)) {
      openSession(value.token, value.user?.username ?? session()?.username ?? null, value.expiresAt ?? null);
    } else if (value === true && ['logOut', 'deleteAccount'].includes(selection.name.value)) {
      const ended = session();
      if (ended) endSession(ended.token);
    }
  }
}

type Opened = { token: string; expiresAt?: string; user?: { username?: string } };

function isOpened(value: unknown): value is Opened {
  return typeof value === 'object' && value !== null && typeof (value as Partial<Opened>).token === 'string';
}

function subscribe(params: Params, headers: Record<string, string>): Answer {
  const stream = {
    subscribe(observer: Observer) {
      const client = createClient({
        url: new URL(PATH, location.href).href.replace(/^http/, 'ws'),
        lazy: true,
        connectionParams: headers,
        shouldRetry: (error) => error instanceof CloseEvent && error.code !== 4403,
      });
      const { params: resumed, note } = resumable(params);
      const stop = client.subscribe(resumed, {
        next(value) {
          note(value);
          observer.next(value);
        },
        error(error) {
          const remembered = session();
          const over = error instanceof CloseEvent && error.code === 4403 && sendsSession(headers);
          if (over && remembered) endSession(remembered.token);
          observer.error(readable(error));
        },
        complete: () => observer.complete(),
      });
      return {
        unsubscribe() {
          stop();
          void client.dispose();
        },
      };
    },
  };
  // GraphiQL subscribes with one observer, and in no other way that its type allows.
  return stream as unknown as Answer;
}

function readable(error: unknown): unknown {
  if (error instanceof CloseEvent) {
    return new Error(`The server closed the socket: ${error.code}${error.reason ? ` ${error.reason}` : ''}`);
  }
  return error;
}
