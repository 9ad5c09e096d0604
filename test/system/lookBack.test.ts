import { places } from '../support/system.js';
import { lookBackIn } from './lookBackIn.js';

// The others in lookBack.long.test.ts.
lookBackIn(places.filter(({ isolation, on }) => isolation === 'process' && on === 'embedded'));
