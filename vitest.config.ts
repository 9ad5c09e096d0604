import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/globalSetup.ts'],
    // The tests run the built code, as a user does: node resolves 'edgeflow' to dist by the package's own exports.
    server: { deps: { external: [/\/dist\//] } },
    // Most of the time is spent waiting for processes: more files at once than cores.
    maxWorkers: 3,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
