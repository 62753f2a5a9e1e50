import { toggleFollow } from './follow';
import type { Followable } from './follow';

export function Follow({ target, name }: { target: Followable; name: string }) {
  const on = target.viewerIsFollowing;
  return (
    <button
      type="button"
      className={on ? 'follow on' : 'follow'}
      aria-label={`${on ? 'Following' : 'Follow'} ${name}`}
      onClick={() => toggleFollow(target)}
    >
      {on ? 'Following' : 'Follow'}
    </button>
  );
}
