// A stream that goes on where it stopped: keeps `after` of a subscription's variables at the
// cursor of the last event. Clients send the variables anew whenever they come back, over a
// WebSocket, server-sent events or an answer in parts, so that nothing is missed or comes twice.
//
// The document has to take `$after: String`, pass it to its root field and select `cursor`.

type Variables = Record<string, unknown>;

/** Parameters to give to a client, and a function to call with each result. */
export type Resumable<P> = { params: P & { variables: Variables }; note(result: unknown): void };

export function resumable<P extends { variables?: unknown }>(params: P): Resumable<P> {
  const variables: Variables = { ...(params.variables as Variables | null | undefined) };
  return {
    params: { ...params, variables },
    note(result) {
      const data = (result as { data?: Record<string, unknown> | null } | null)?.data;
      for (const event of Object.values(data ?? {})) {
        const cursor = (event as { cursor?: unknown } | null)?.cursor;
        if (typeof cursor === 'string') variables.after = cursor;
      }
    },
  };
}
