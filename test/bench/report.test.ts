import { describe, expect, it } from 'vitest';
import type { Row, Sample, Target } from '../../bench/support/bench.js';
import { figureOf } from '../../bench/support/bench.js';
import { fallen } from '../../bench/support/gate.js';
import { pictureOf } from '../../bench/support/picture.js';
import { formatTables, rowsOf, targetsOf } from '../../bench/support/report.js';

const sample = (peer: string, rate: number): Sample => ({ scenario: 'small', peer, figures: { 'messages/s': rate } });
const statement = 'ours over theirs';
const bench = {
  targets: (rows: readonly Row[]): Target[] => [
    { statement, atLeast: 2, ratio: figureOf(rows, 'small', 'ours', 'messages/s') / figureOf(rows, 'small', 'theirs', 'messages/s') },
  ],
};
const measured = (ratio: number, min: number, max: number) => ({ statement, atLeast: 2, ratio, min, max });

describe('targets', () => {
  it('have the ratio of the medians, and the least and greatest of single rounds', () => {
    const samples = [
      sample('ours', 40),
      sample('theirs', 10),
      sample('theirs', 20),
      sample('ours', 60),
      sample('ours', 50),
      sample('theirs', 10),
    ];
    expect(targetsOf(bench, samples)).toEqual([measured(5, 3, 5)]);
  });

  it('are told apart from peers that are not on this machine', () => {
    const rows = rowsOf([sample('ours', 40), { scenario: 'small', peer: 'theirs', figures: {}, missing: 'no theirs here' }]);
    expect(formatTables(rows)).toContain('theirs: not measured, no theirs here');
    expect(rows[1]).toMatchObject({ missing: 'no theirs here' });
  });
});

describe('the gate', () => {
  const before = [measured(4, 3.6, 4.4)];

  it('lets a ratio pass that fell by less than the tolerance', () => {
    expect(fallen([measured(3.1, 3, 3.2)], before, 0.25)).toEqual([]);
  });

  it('lets a ratio pass whose best round was as good as one of before', () => {
    expect(fallen([measured(2.9, 2, 3.7)], before, 0.25)).toEqual([]);
  });

  it('names a ratio that fell', () => {
    expect(fallen([measured(2.9, 2.8, 3)], before, 0.25)).toEqual([{ statement, before: 4, now: 2.9 }]);
    expect(fallen([measured(NaN, NaN, NaN)], before, 0.25)).toHaveLength(1);
  });

  it('passes over what was not measured before', () => {
    expect(fallen([measured(1, 1, 1)], [], 0.25)).toEqual([]);
  });
});

describe('the picture', () => {
  it('says of each target whether it was met', () => {
    const picture = pictureOf([
      {
        name: 'small',
        targets: [
          { ...measured(4, 4, 4), met: true },
          { ...measured(1, 1, 1), statement: 'a < b & c', met: false },
        ],
      },
    ]);
    expect(picture).toContain('4x, target 2x: met');
    expect(picture).toContain('1x, target 2x: missed');
    expect(picture).toContain('a &lt; b &amp; c');
    expect(picture).not.toMatch(/NaN|Infinity/);
  });
});
