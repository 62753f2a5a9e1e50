import { defineConfig } from 'vite';

export default defineConfig({
  base: '/',
  build: {
    target: 'es2022',
    modulePreload: { polyfill: false },
    license: { fileName: 'licenses.md' },
    // What is named by a page and by a script too would be put into the script or not, by chance.
    assetsInlineLimit: 0,
    rolldownOptions: {
      input: ['index.html', 'graphiql.html'],
      output: {
        // GraphiQL makes the names of its icons, which screen readers tell,
        // from those of functions.
        keepNames: true,
        // What others wrote stands apart from what changes here, and what only GraphiQL needs from
        // what the app needs.
        codeSplitting: {
          groups: [
            { name: 'shared', test: /node_modules\/(react|react-dom|scheduler|graphql|graphql-ws)\// },
            { name: 'apollo', test: /node_modules\/(@apollo|@wry|optimism|rxjs|twitter-text)\// },
            { name: 'editor', test: /node_modules/ },
          ],
        },
      },
      checks: { moduleLevelDirective: false },
    },
    chunkSizeWarningLimit: 2048,
  },
  server: {
    // `npm run dev` beside a running server.
    proxy: { '/graphql': { target: 'http://127.0.0.1:8000', ws: true } },
  },
});
