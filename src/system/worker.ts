/** What the process of a node runs: its main module, without what V8 keeps of the start for a long work to come. */
import { beginStart } from './frugalStart.js';

beginStart();
await import('./workerMain.js');
