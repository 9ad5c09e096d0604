import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import UPlot from 'uplot';

interface Series {
  readonly name: string;
  readonly values: readonly (number | undefined)[];
  readonly tone: 1 | 2;
}

const height = 110;
const dark = matchMedia('(prefers-color-scheme: dark)');

/** How some figures went, over time. */
export function Curve({
  title,
  times,
  series,
}: {
  readonly title: string;
  readonly times: readonly number[];
  readonly series: readonly Series[];
}): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot>(undefined);
  useEffect(() => {
    const element = place.current;
    if (!element) return undefined;
    const draw = (): void => {
      plot.current?.destroy();
      const colour = (name: string): string => getComputedStyle(element).getPropertyValue(name);
      const axis = {
        stroke: colour('--soft'),
        grid: { stroke: colour('--line'), width: 1 },
        ticks: { show: false },
        font: '11px system-ui',
      };
      plot.current = new UPlot(
        {
          width: Math.max(120, element.clientWidth),
          height,
          legend: { show: false },
          cursor: { show: false },
          axes: [
            { ...axis, size: 22, values: (_, splits) => splits.map((at) => new Date(at * 1_000).toLocaleTimeString('en-GB')), space: 90 },
            { ...axis, size: 44, space: 26 },
          ],
          scales: { y: { range: (_, __, max) => [0, max > 0 ? max * 1.1 : 1] } },
          series: [
            {},
            ...series.map(({ name, tone }) => ({
              label: name,
              stroke: colour(`--curve-${tone}`),
              width: 1.5,
              points: { show: false },
              dash: tone === 2 ? [5, 3] : [],
            })),
          ],
        },
        [[], ...series.map(() => [])],
        element,
      );
    };
    draw();
    const observer = new ResizeObserver(() => plot.current?.setSize({ width: Math.max(120, element.clientWidth), height }));
    observer.observe(element);
    dark.addEventListener('change', draw);
    return () => {
      observer.disconnect();
      dark.removeEventListener('change', draw);
      plot.current?.destroy();
    };
  }, []);
  useEffect(() => {
    plot.current?.setData([[...times], ...series.map(({ values }) => values.map((value) => value ?? null))]);
  });
  const now = series.map(({ name, values, tone }) => {
    const value = values.at(-1);
    return { name, tone, text: value === undefined ? '–' : value < 10 ? value.toFixed(1) : String(Math.round(value)) };
  });
  return (
    <figure>
      <figcaption>
        {title}
        {now.map(({ name, tone, text }) => (
          <span key={name} class={`key tone-${tone}`}>
            {name} <b>{text}</b>
          </span>
        ))}
      </figcaption>
      <div class="curve" ref={place} aria-hidden="true" />
    </figure>
  );
}
