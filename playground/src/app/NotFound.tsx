import { Link } from '../page/Link';
import { Title } from '../page/Title';

export function NotFound() {
  return (
    <section className="page">
      <Title title="Nothing here" />
      <p className="empty">
        This address leads nowhere. <Link to="/">Go home</Link>
      </p>
    </section>
  );
}
