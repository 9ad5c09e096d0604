import { mapAsync } from 'edgeflow';
import { from, lastValueFrom, toArray } from 'rxjs';
import { expect, test } from 'vitest';

test('results keep the order of their values', async () => {
  const out = await lastValueFrom(
    from([30, 1, 2]).pipe(
      mapAsync(
        async (ms) => {
          await new Promise((resolve) => setTimeout(resolve, ms));
          return ms;
        },
        { concurrency: 3 },
      ),
      toArray(),
    ),
  );
  expect(out).toEqual([30, 1, 2]);
});
