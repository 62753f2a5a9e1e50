// Whether single keys do something: this browser remembers it. Who dictates to the computer, or
// strikes keys by accident, can do without.

const KEY = 'linnet:single-keys';

let on = stored();

export const areKeysOn = () => on;

export function turnKeys(next: boolean): void {
  on = next;
  try {
    localStorage.setItem(KEY, String(next));
  } catch {
    // Without storage it lasts until the page is left.
  }
}

function stored(): boolean {
  try {
    return localStorage.getItem(KEY) !== 'false';
  } catch {
    return true;
  }
}
