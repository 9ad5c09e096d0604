import { defineNode, fromPull } from 'edgeflow';

/** Numbers, as fast as they are taken. */
export default defineNode(() =>
  fromPull(
    async function* ({ signal }) {
      for (let n = 0; !signal.aborted; n++) yield await Promise.resolve({ n });
    },
    { concurrency: 64 },
  ),
);
