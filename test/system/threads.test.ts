import { places } from '../support/system.js';
import { sameInEach } from './sameInEach.js';

// The other brokers, processes and crashes in places.long.test.ts.
sameInEach(
  places.filter(({ isolation, on }) => isolation === 'thread' && on === 'embedded'),
  ['throw'],
);
