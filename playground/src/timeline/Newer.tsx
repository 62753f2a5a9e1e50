import { Icon } from '../page/Icon';
import { wholeNumber } from '../text/time';

type Props = { count: number; show?: () => void };

/** Leads to what has come in above. */
export function Newer({ count, show }: Props) {
  const up = () => {
    show?.();
    window.scrollTo({ top: 0 });
  };
  return (
    <div className="newer" role="status">
      {count > 0 && (
        <button type="button" onClick={up}>
          <Icon name="up" /> {wholeNumber(count)} new
        </button>
      )}
    </div>
  );
}
