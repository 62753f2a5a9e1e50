import { toggleFollow } from './follow';
import type { Followable } from './follow';

export function Follow({ target, name }: { target: Followable; name: string }) {
  const on = target.viewerIsFollowing;
  return (
    <button
      type="button"
      className={on ? 'follow on' : 'follow'}
      aria-pressed={on}
      aria-label={`Follow ${name}`}
      onClick={() => toggleFollow(target)}
    >
      {on ? 'Following' : 'Follow'}
    </button>
  );
}
