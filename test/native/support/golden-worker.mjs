// One of two processes that take the golden steps of distributed.json together. Called with a JSON of its place by
// golden-workers.test.ts. The steps are in TypeScript, the program that they train with is the compiled one.
import { fileURLToPath } from 'node:url';
import { createViteServer } from 'vitest/node';

const dist = fileURLToPath(new URL('../../../dist', import.meta.url));
const server = await createViteServer({
  configFile: false,
  appType: 'custom',
  logLevel: 'error',
  server: { middlewareMode: true, hmr: false, ws: false, watch: null },
  resolve: { alias: [{ find: /^(?:\.\.\/)+src/, replacement: dist }] },
  optimizeDeps: { noDiscovery: true },
});
const { takeGoldenSteps } = await server.ssrLoadModule(
  '/test/native/support/golden-worker-child.ts',
);
const found = takeGoldenSteps(JSON.parse(process.argv[2] ?? '{}'));
process.stdout.write(JSON.stringify(found), () => process.exit(0));
