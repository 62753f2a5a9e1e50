import { NotFound } from './NotFound';
import { Notice } from '../page/Notice';
import { useAddress } from '../page/path';
import { useSession } from '../session';
import { KeyHelp } from './KeyHelp';
import { Nav } from './Nav';
import { Offline } from './Offline';
import { route } from './routes';
import { useFeeds } from './useFeeds';
import { useKeys } from './useKeys';

export function App() {
  const { pathname } = useAddress();
  const signedIn = useSession() !== null;
  useKeys();
  useFeeds(pathname);
  return (
    <div className="frame">
      <a className="skip" href="#main">
        To the content
      </a>
      <Nav />
      <main id="main" tabIndex={-1} key={pathname}>
        {route(pathname, signedIn) ?? <NotFound />}
      </main>
      <Offline />
      <Notice />
      <KeyHelp />
    </div>
  );
}
