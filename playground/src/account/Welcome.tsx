import { Title } from '../page/Title';
import { Around } from '../timeline/Around';
import { Enter } from './Enter';

/** `/` for one who is not signed in, and `/log-in`, `/sign-up`. */
export function Welcome() {
  return (
    <section className="page">
      <Title title="Welcome" className="hero">
        What is said here, the moment it is said.
      </Title>
      <Enter />
      <Around />
    </section>
  );
}
