import { defineConfig } from 'vitest/config';

const shared = { environment: 'node', testTimeout: 120_000, hookTimeout: 120_000 } as const;

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
