import { useUnseen } from '../notification/useUnseen';
import { Icon } from '../page/Icon';
import type { IconName } from '../page/Icon';
import { Link, NavLink } from '../page/Link';
import { useSession } from '../session';

export function Nav() {
  const session = useSession();
  const unseen = useUnseen();
  return (
    <header className="bar">
      <Link to="/" className="brand" aria-label="Linnet, home">
        <img src={new URL('../linnet.svg', import.meta.url).href} alt="" width="28" height="28" />
        <span>Linnet</span>
      </Link>
      <nav aria-label="Main">
        <Item to="/" icon="home" name="Home" />
        <Item to="/search" icon="search" name="Search" />
        {session && <Item to="/notifications" icon="bell" name="Notifications" count={unseen} />}
        {session?.username && <Item to={`/user/${session.username}`} icon="user" name="Profile" />}
        {session && <Item to="/settings" icon="settings" name="Settings" />}
        {!session && <Item to="/log-in" icon="user" name="Log in" />}
      </nav>
    </header>
  );
}

function Item({ to, icon, name, count = 0 }: { to: string; icon: IconName; name: string; count?: number }) {
  return (
    <NavLink to={to} title={name}>
      <Icon name={icon} />
      <span className="item">{name}</span>
      {count > 0 && (
        <>
          <span className="dot" data-testid="unseen-count" aria-hidden="true">
            {count > 99 ? '99+' : count}
          </span>
          <span className="hidden">, {count} new</span>
        </>
      )}
    </NavLink>
  );
}
