import { System } from 'edgeflow';
import { NEVER } from 'rxjs';

const system = new System('still');
system.node(() => NEVER, { name: 'camera' });

export default system;
