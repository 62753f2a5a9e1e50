import { useEditorContext } from '@graphiql/react';
import { GraphiQL } from 'graphiql';
import { useEffect } from 'react';
import { createRoot } from 'react-dom/client';
import 'graphiql/style.css';
import { fetcher } from './fetcher';
import { endSession, useSession } from '../session';
import { prepareStorage, restoreTour, tour } from './tour';
import './style.css';

function Playground() {
  return (
    <GraphiQL
      fetcher={fetcher}
      defaultTabs={tour}
      defaultEditorToolsVisibility="variables"
      shouldPersistHeaders={false}
    >
      <GraphiQL.Logo>
        <a className="linnet-logo" href="/">
          Linnet
        </a>
      </GraphiQL.Logo>
      <GraphiQL.Footer>
        <Status />
      </GraphiQL.Footer>
    </GraphiQL>
  );
}

function Status() {
  const session = useSession();
  const queryEditor = useEditorContext()?.queryEditor;
  useEffect(() => queryEditor?.setOption('lineWrapping', true), [queryEditor]);
  return (
    <div className="linnet-status">
      <span role="status">
        {session
          ? `Signed in${session.username ? ` as @${session.username}` : ''}: every tab sends this token`
          : 'Not signed in: start with the SignUp tab'}
      </span>
      {session && (
        <button type="button" onClick={() => endSession(session.token)}>
          Forget the token
        </button>
      )}
      <button type="button" onClick={restoreTour} title="Brings back the example queries, in place of all tabs">
        Restore the tour
      </button>
    </div>
  );
}

prepareStorage();
const root = document.getElementById('graphiql');
if (root) createRoot(root).render(<Playground />);
