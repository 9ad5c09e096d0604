import { defineConfig } from 'vitest/config';
import { BaseSequencer } from 'vitest/node';
import type { TestSpecification } from 'vitest/node';

/** What takes a minute and longer runs by a script of its own: `npm run test:long`. */
const long = process.env.EDGEFLOW_TESTS === 'long';

/** Small files that take long. Vitest begins with the large ones, and at the end one of these would run alone. */
const slow = /\/(contract|conformance|soak|demo|inline|isolation|originalFailures|dead)\.test\.ts$/;

class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isSlow = ({ moduleId }: TestSpecification): boolean => slow.test(moduleId);
    return [...sorted.filter(isSlow), ...sorted.filter((file) => !isSlow(file))];
  }
}

export default defineConfig({
  test: {
    include: [long ? 'test/**/*.long.test.ts' : 'test/**/*.test.ts'],
    exclude: long ? [] : ['test/**/*.long.test.ts'],
    globalSetup: ['test/support/globalSetup.ts'],
    // The tests run the built code, as a user does: node resolves 'edgeflow' to dist by the package's own exports.
    server: { deps: { external: [/\/dist\//] } },
    sequence: { sequencer: SlowFirst },
    // Most of the time is spent waiting for processes: more files at once than cores.
    maxWorkers: 4,
    // A bound for what hangs, which a busy machine does not reach.
    testTimeout: 180_000,
    hookTimeout: 180_000,
  },
});
