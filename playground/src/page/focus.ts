// The focus stays where one is, though what has it goes: a tweet that is deleted or hidden, a form
// that has been sent, a list's last button. Browsers would let it fall to the page's beginning.

const ITEM = 'article, li';

let last: Node | null = null;

export function keepFocus(): void {
  document.addEventListener('focusin', ({ target }) => {
    last = target as Node;
  });
  new MutationObserver(mend).observe(document.body, { childList: true, subtree: true });
}

function mend(changes: MutationRecord[]): void {
  const held = last;
  if (!held || held.isConnected || document.activeElement !== document.body) return;
  last = null;
  const gone = changes.find(({ removedNodes }) => [...removedNodes].some((node) => node.contains(held)));
  const place = gone?.target instanceof HTMLElement ? gone.target.closest<HTMLElement>('main *') : null;
  // Another page leads the focus to its own heading.
  if (!gone || !place) return;
  const heir = focusable(beside(gone) ?? around(place) ?? document.querySelector('main h1'));
  // What stood on the screen has its heir beside it; what a wall let go of far below leads nobody there.
  heir?.focus({ preventScroll: true });
}

/** What stands where something was, or before it. */
function beside({ nextSibling, previousSibling }: MutationRecord): Element | undefined {
  const near = [nextSibling, previousSibling].filter((node) => node instanceof Element && node.isConnected) as Element[];
  const list = near.find((element) => element.matches('.list, .rows'));
  return near.find((element) => element.matches(ITEM)) ?? list?.lastElementChild ?? undefined;
}

/** What something stood in. */
const around = (place: HTMLElement) => place.closest(ITEM) ?? place.closest('details')?.querySelector('summary');

/** The element itself where it takes the focus, otherwise the first in it that does. */
function focusable(element: Element | null): HTMLElement | null {
  const takes = '[tabindex], a, button, summary';
  return element?.matches(takes) ? (element as HTMLElement) : (element?.querySelector<HTMLElement>(takes) ?? null);
}
