import { Fragment, QoS, System } from 'edgeflow';
import { EMPTY } from 'rxjs';
import { expect, test } from 'vitest';
import { fragmentTwice } from './fragmentTwice.js';

const twice = fragmentTwice();
const invalid = (message: RegExp): unknown =>
  expect.objectContaining({ code: 'GRAPH_INVALID', message: expect.stringMatching(message) as string });

test('a fragment is used twice, by threads that import the entry again', () => twice('thread'));

test('a System, and a fragment within a fragment, can be used; paths are those of their own files', () => {
  const inner = new Fragment({ base: 'file:///recipes/inner.js' });
  const source = inner.node('./nodes/source.js');
  const middle = new Fragment();
  middle.use(inner, { prefix: 'in' });
  const sink = middle.node(() => EMPTY, { name: 'sink' });
  middle.link(source).to(sink, QoS.REALTIME);
  const whole = new System('whole', { base: 'file:///apps/whole.js' });
  const other = whole.node('other.js');
  whole.use(middle, { prefix: 'mid' });
  whole.link(other).to(sink, QoS.DURABLE);
  const system = new System('outer');
  expect(system.use(whole)).toBe(whole);
  const { nodes, links } = system.graph('/entry/main.js');
  expect([...nodes.values()].map(({ name, module }) => [name, module])).toEqual([
    ['other', 'file:///apps/other.js'],
    ['mid.in.source', 'file:///recipes/nodes/source.js'],
    ['mid.sink', undefined],
  ]);
  expect(links).toEqual([
    { source: 'mid.in.source', target: 'mid.sink', qos: QoS.REALTIME, options: {}, as: 'in.source' },
    { source: 'other', target: 'mid.sink', qos: QoS.DURABLE, options: {}, as: 'other' },
  ]);
});

test('names that clash, and one fragment twice, are refused', () => {
  const make = (): Fragment => {
    const fragment = new Fragment();
    fragment.node(() => EMPTY, { name: 'camera' });
    return fragment;
  };
  const system = new System('clash');
  const fragment = system.use(make());
  expect(() => system.use(make())).toThrow(invalid(/system 'clash': a fragment brings 'camera'.*give the fragment a prefix/));
  expect(() => system.use(fragment, { prefix: 'again' })).toThrow(invalid(/node 'camera' is used twice/));
  expect(() => system.use(make(), { prefix: 'a b' })).toThrow(expect.objectContaining({ code: 'TOPIC_INVALID' }));
  expect(() => fragment.node(() => EMPTY, { name: 'camera' })).toThrow(invalid(/fragment: two nodes are named 'camera'/));
});
