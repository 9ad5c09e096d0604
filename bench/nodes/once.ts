import { defineNode } from 'edgeflow';
import { concat, NEVER, of } from 'rxjs';

/** One value, and then nothing for ever. */
export default defineNode(() => concat(of({ n: 0 }), NEVER));
