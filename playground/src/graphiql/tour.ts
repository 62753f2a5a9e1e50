// The tour: every file of `queries/`, in the order of their names, is a tab.

type Tab = { query: string; variables: string };

const queries = import.meta.glob<string>('../../queries/*.graphql', { query: '?raw', import: 'default', eager: true });
const variables = import.meta.glob<string>('../../queries/*.variables.json', {
  query: '?raw',
  import: 'default',
  eager: true,
});

export const tour: Tab[] = Object.keys(queries)
  .sort()
  .map((path) => ({
    query: queries[path] ?? '',
    variables: (variables[path.replace(/\.graphql$/, '.variables.json')] ?? '').trimEnd(),
  }));

// GraphiQL keeps its tabs in local storage and takes the variables of the
// first one from there alone, so a first visit has to find them in it.
export function prepareStorage(): void {
  try {
    if (localStorage.getItem('graphiql:tabState') !== null) return;
    const [first] = tour;
    if (!first) return;
    localStorage.setItem('graphiql:query', first.query);
    localStorage.setItem('graphiql:variables', first.variables);
  } catch {
    // No storage: the tabs are there all the same.
  }
}

export function restoreTour(): void {
  try {
    for (const key of ['tabState', 'query', 'variables', 'headers', 'operationName']) {
      localStorage.removeItem(`graphiql:${key}`);
    }
  } catch {
    // Nothing was kept.
  }
  location.reload();
}
