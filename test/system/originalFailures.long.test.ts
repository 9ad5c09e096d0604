import { DualRedisBroker } from 'edgeflow';
import { describe } from 'vitest';
import { keepsWhatOthersLose } from './originalFailures.js';

describe('two Redises', () => {
  keepsWhatOthersLose(() => DualRedisBroker.local());
});
