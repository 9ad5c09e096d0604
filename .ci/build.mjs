// Compiles to dist/ and puts the files beside the compiled modules that they read at run time.
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const compiler = spawnSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json'], {
  cwd: root,
  stdio: 'inherit',
});
if (compiler.status !== 0) process.exit(compiler.status ?? 1);

for (const folder of ['src', 'operators', 'recipes']) {
  for (const file of readdirSync(join(root, folder), { recursive: true })) {
    if (!/\.(lua|onnx|html|svg|template)$/.test(file)) continue;
    const target = join(root, 'dist', folder, file);
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(join(root, folder, file), target);
  }
}
// The page of the dashboard: one script and one style sheet, with all that they use.
buildSync({
  entryPoints: { page: join(root, 'src/dashboard/page/main.tsx') },
  outdir: join(root, 'dist/src/dashboard/page'),
  bundle: true,
  minify: true,
  format: 'esm',
  target: 'es2022',
  tsconfig: join(root, 'src/dashboard/page/tsconfig.json'),
  legalComments: 'eof',
});
const bin = join(root, 'dist/src/cli/main.js');
if (existsSync(bin)) chmodSync(bin, 0o755);
