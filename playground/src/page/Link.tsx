import type { AnchorHTMLAttributes, MouseEvent } from 'react';
import { go, useAddress } from './path';

type Props = AnchorHTMLAttributes<HTMLAnchorElement> & { to: string };

/** A link to another page of the app. */
export function Link({ to, onClick, ...rest }: Props) {
  const follow = (event: MouseEvent<HTMLAnchorElement>) => {
    onClick?.(event);
    const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    if (!plain || event.defaultPrevented) return;
    event.preventDefault();
    go(to);
  };
  return <a href={to} onClick={follow} {...rest} />;
}

/** A link that says when it leads to where one is. */
export function NavLink({ to, ...rest }: Props) {
  const here = useAddress().pathname === to;
  return <Link to={to} aria-current={here ? 'page' : undefined} {...rest} />;
}
