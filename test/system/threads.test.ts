import { places } from '../support/system.js';
import { sameInEach } from './sameInEach.js';

// The other brokers, and processes, in places.long.test.ts.
sameInEach(places.filter(({ isolation, on }) => isolation === 'thread' && on === 'embedded'));
