import { defineNode } from 'edgeflow';
import { map } from 'rxjs';

/** What comes, as it is. */
export default defineNode((values) => values.pipe(map((value) => value)));
