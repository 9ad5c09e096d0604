import { places } from '../support/system.js';
import { controlsIn } from './controlsIn.js';

controlsIn(places);
