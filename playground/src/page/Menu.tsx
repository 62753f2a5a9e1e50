// A button with a menu, which lies above everything else.

import { createContext, useContext, useId, useLayoutEffect, useRef, useState } from 'react';
import type { KeyboardEvent, ReactNode } from 'react';
import { Icon } from './Icon';

type Props = {
  label: string;
  className: string;
  /** The items. They are made when the menu opens. */
  children: ReactNode;
};

/** How far it keeps from its button and from the window's edges, in pixels. */
const GAP = 6;

const Close = createContext(() => {});

export function Menu({ label, className, children }: Props) {
  const id = useId();
  const button = useRef<HTMLButtonElement>(null);
  const menu = useRef<HTMLDivElement>(null);
  const [open, setOpen] = useState(false);

  useLayoutEffect(() => {
    if (!open || !button.current || !menu.current) return;
    place(menu.current, button.current.getBoundingClientRect());
    items(menu.current)[0]?.focus({ preventScroll: true });
  }, [open]);

  const close = () => menu.current?.hidePopover();
  const press = (event: KeyboardEvent<HTMLDivElement>) => {
    const all = items(event.currentTarget);
    const here = all.findIndex((item) => item === document.activeElement);
    const steps: Record<string, number> = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: -1 };
    const to = steps[event.key];
    if (event.key === 'Tab') close();
    if (to === undefined) return;
    event.preventDefault();
    all.at(to % all.length)?.focus();
  };

  return (
    <>
      <button
        ref={button}
        type="button"
        className={className}
        aria-label={label}
        title={label}
        aria-haspopup="menu"
        aria-expanded={open}
        popoverTarget={id}
      >
        <Icon name="dots" />
      </button>
      <div
        ref={menu}
        id={id}
        className="menu"
        popover="auto"
        role="menu"
        aria-label={label}
        onToggle={({ newState }) => setOpen(newState === 'open')}
        onKeyDown={press}
      >
        {open && <Close value={close}>{children}</Close>}
      </div>
    </>
  );
}

export function MenuItem({ act, children }: { act: () => void; children: ReactNode }) {
  const close = useContext(Close);
  const choose = () => {
    close();
    act();
  };
  return (
    <button type="button" role="menuitem" tabIndex={-1} onClick={choose}>
      {children}
    </button>
  );
}

const items = (menu: HTMLElement) => [...menu.querySelectorAll<HTMLElement>('[role=menuitem]')];

/** Below the button where there is room, otherwise above it. */
function place(menu: HTMLElement, button: DOMRect): void {
  const { offsetWidth: width, offsetHeight: height } = menu;
  const { clientWidth, clientHeight } = document.documentElement;
  const below = button.bottom + GAP;
  const top = below + height > clientHeight ? Math.max(GAP, button.top - GAP - height) : below;
  const left = Math.max(GAP, Math.min(button.right - width, clientWidth - width - GAP));
  menu.style.top = `${top + window.scrollY}px`;
  menu.style.left = `${left + window.scrollX}px`;
}
