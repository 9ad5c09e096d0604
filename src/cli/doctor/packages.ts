import { errorMessage } from '../../errors.js';
import { bad, ok } from './finding.js';
import type { Finding } from './finding.js';

const packages: readonly (readonly [name: string, load: () => Promise<unknown>, usedBy: string])[] = [
  ['lmdb', () => import('lmdb'), 'the embedded broker'],
  ['ioredis', () => import('ioredis'), 'the Redis brokers'],
];

/** Packages with native code, and those that a failed install leaves out in silence. */
const optional: readonly (readonly [name: string, usedBy: string])[] = [
  ['sharp', 'pictures'],
  ['onnxruntime-node', 'models'],
];

/** Whether native packages load on this machine. */
export async function checkPackages(): Promise<Finding[]> {
  const mend = (name: string): string =>
    `install it again for this platform: npm install ${name}; on Linux x64 with ONNXRUNTIME_NODE_INSTALL=skip`;
  return Promise.all(
    [...packages, ...optional.map(([name, usedBy]) => [name, () => import(name) as Promise<unknown>, usedBy] as const)].map(
      async ([name, load, usedBy]) => {
        try {
          await load();
          return ok(name, `loads (${usedBy})`);
        } catch (error) {
          return bad(name, `does not load, so ${usedBy} fail: ${errorMessage(error).split('\n', 1)[0]}`, mend(name));
        }
      },
    ),
  );
}
