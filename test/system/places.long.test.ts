import { places } from '../support/system.js';
import { sameInEach } from './sameInEach.js';

sameInEach(places.filter(({ isolation }) => isolation !== 'inline'));
