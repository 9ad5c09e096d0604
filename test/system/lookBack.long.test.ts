import { places } from '../support/system.js';
import { lookBackIn } from './lookBackIn.js';

lookBackIn(places.filter(({ isolation, on }) => isolation !== 'process' || on !== 'embedded'));
