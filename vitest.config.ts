import { defineConfig } from 'vitest/config';

/** For what hangs. No test is to fail because its machine is busy. */
const LIMIT = 10 * 60_000;
const shared = { environment: 'node', testTimeout: LIMIT, hookTimeout: LIMIT } as const;

/** Tests are sorted by what they need: nothing, TensorFlow (one process a file), the built command. */
export default defineConfig({
  test: {
    projects: [
      { test: { ...shared, name: 'unit', include: ['test/unit/**/*.test.ts'] } },
      {
        test: {
          ...shared,
          name: 'native',
          include: ['test/native/**/*.test.ts'],
          pool: 'forks',
          setupFiles: ['test/native/support/open.ts'],
        },
      },
      { test: { ...shared, name: 'cli', include: ['test/cli/**/*.test.ts'], pool: 'forks' } },
    ],
    maxWorkers: 2,
  },
});
