// What has been decided about somebody, for what Apollo's cache does not keep: the walls.

type Listener = (userId: string) => void;

const listeners = new Set<Listener>();

/** Nothing of somebody is to be seen here any more. */
export function tellHidden(userId: string): void {
  listeners.forEach((listener) => listener(userId));
}

export function onHidden(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
