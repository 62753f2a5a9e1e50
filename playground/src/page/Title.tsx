import { useEffect, useRef } from 'react';
import type { ReactNode } from 'react';

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
    const none = document.activeElement === document.body || document.activeElement?.tagName === 'A';
    if (none && performance.now() > 3_000) heading.current?.focus({ preventScroll: true });
  }, []);
  return (
    <h1 ref={heading} tabIndex={-1} className={className}>
      {children ?? title}
    </h1>
  );
}
