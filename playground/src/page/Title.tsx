import { useEffect, useRef } from 'react';
import type { ReactNode } from 'react';
import { hasTravelled } from './path';

type Props = {
  /** What the window is called; the heading when no other is given. */
  title: string;
  children?: ReactNode;
  className?: string;
};

/** A page's heading: it takes the focus when one comes from another page, so that it is read out. */
export function Title({ title, children, className }: Props) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · Linnet`;
  }, [title]);
  useEffect(() => {
    const { activeElement } = document;
    const free = activeElement === document.body || activeElement?.tagName === 'A';
    if (free && hasTravelled()) heading.current?.focus({ preventScroll: true });
  }, []);
  return (
    <h1 ref={heading} tabIndex={-1} className={className}>
      {children ?? title}
    </h1>
  );
}
