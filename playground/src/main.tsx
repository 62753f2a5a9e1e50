import { ApolloProvider } from '@apollo/client/react';
import { createRoot } from 'react-dom/client';
import { App } from './app/App';
import { client } from './client/client';
import { keepSession } from './client/renewal';
import { keepFocus } from './page/focus';
import './style/base.css';
import './style/frame.css';
import './style/tweet.css';
import './style/form.css';
import './style/list.css';
import './style/wall.css';

keepSession();
keepFocus();
const root = document.getElementById('app');
if (root) {
  createRoot(root).render(
    <ApolloProvider client={client}>
      <App />
    </ApolloProvider>,
  );
}
