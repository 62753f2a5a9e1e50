import type { ReactNode } from 'react';
import { More } from './More';

type Props = {
  label?: string;
  /** Nothing while it is under way. */
  page: { hasNextPage: boolean; endCursor: string | null } | undefined;
  load: (after: string | null) => Promise<unknown>;
  empty: string;
  children: ReactNode[] | undefined;
};

/** A list of rows that goes on as one reads. */
export function Rows({ label, page, load, empty, children }: Props) {
  if (!page) return <div className="list" aria-busy="true" />;
  return (
    <>
      <ul className="rows" aria-label={label}>
        {children}
      </ul>
      {children?.length === 0 && !page.hasNextPage && <p className="empty">{empty}</p>}
      <More more={page.hasNextPage} load={() => load(page.endCursor)} />
    </>
  );
}
