import { errorMessage } from '../../errors.js';
import { bad, ok } from './finding.js';
import type { Finding } from './finding.js';

/** Packages with native code, those that a failed install leaves out in silence, and what they are for. */
const packages = {
  lmdb: 'the embedded broker',
  ioredis: 'the Redis brokers',
  sharp: 'pictures',
  'onnxruntime-node': 'models',
};

/** Whether they load on this machine. */
export async function checkPackages(): Promise<Finding[]> {
  return Promise.all(
    Object.entries(packages).map(async ([name, usedBy]) => {
      try {
        await import(name);
        return ok(name, `loads (${usedBy})`);
      } catch (error) {
        return bad(
          name,
          `does not load, so ${usedBy} fail: ${errorMessage(error).split('\n', 1)[0]}`,
          `install it again for this platform: npm install ${name}; on Linux x64 with ONNXRUNTIME_NODE_INSTALL=skip`,
        );
      }
    }),
  );
}
