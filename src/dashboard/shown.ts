import type { OutsideView } from '../system/outsideSystem.js';
import type { RunningSystem } from '../system/runningSystem.js';

/** What a page shows: a system that this process runs, or one that it looks at from outside. */
export type Shown = OutsideView;

/** Whether nodes can be acted on, and the ways of messages are known. */
export function runsHere(shown: Shown): shown is RunningSystem {
  return 'restart' in shown;
}
