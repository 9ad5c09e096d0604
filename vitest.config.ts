import { defineConfig } from 'vitest/config';

/** What takes a minute and longer runs by a script of its own: `npm run test:long`. */
const long = process.env.EDGEFLOW_TESTS === 'long';

export default defineConfig({
  test: {
    include: [long ? 'test/**/*.long.test.ts' : 'test/**/*.test.ts'],
    exclude: long ? [] : ['test/**/*.long.test.ts'],
    globalSetup: ['test/support/globalSetup.ts'],
    // The tests run the built code, as a user does: node resolves 'edgeflow' to dist by the package's own exports.
    server: { deps: { external: [/\/dist\//] } },
    // Most of the time is spent waiting for processes: more files at once than cores.
    maxWorkers: 4,
    // A bound for what hangs, which a busy machine does not reach.
    testTimeout: 180_000,
    hookTimeout: 180_000,
  },
});
