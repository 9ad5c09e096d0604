import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { hrefOf } from './store.js';

/** What was chosen in the graph. Takes the focus when it opens; Escape closes it. */
export function Panel({ title, children }: { readonly title: string; readonly children: ComponentChildren }): JSX.Element {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    heading.current?.focus({ preventScroll: !matchMedia('(max-width: 1000px)').matches });
    const onKey = ({ key }: KeyboardEvent): void => {
      if (key === 'Escape') location.hash = hrefOf();
    };
    addEventListener('keydown', onKey);
    return () => {
      removeEventListener('keydown', onKey);
    };
  }, []);
  return (
    <section class="card panel" aria-labelledby="panel-title">
      <a class="close" href={hrefOf()} aria-label="Close">
        ×
      </a>
      <h2 id="panel-title" ref={heading} tabIndex={-1}>
        {title}
      </h2>
      {children}
    </section>
  );
}
