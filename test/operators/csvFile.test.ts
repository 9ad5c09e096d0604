import { readdirSync, readlinkSync } from 'node:fs';
import { until } from 'edgeflow/testing';
import { expect, test } from 'vitest';
import { CsvFile } from '#operators/table/csvFile.js';
import { temporaryFolder } from '../support/system.js';

const folder = temporaryFolder();

test.skipIf(process.platform !== 'linux')('a file that is closed while it is being opened does not stay open', async () => {
  const path = folder.path('rows.csv');
  const open = (): boolean =>
    readdirSync('/proc/self/fd').some((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`) === path;
      } catch {
        // The descriptor by which the folder was read.
        return false;
      }
    });
  const file = new CsvFile({ path, columns: ['a'], delimiter: ',', escapeFormulas: true, sync: false });
  const appended = file.append([{ key: 'm1', rows: [{ a: 1 }] }]).catch(() => undefined);
  await file.close();
  await appended;
  await until('the file is closed', () => !open());
  expect(open()).toBe(false);
});
