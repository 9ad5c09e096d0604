import type { Isolation } from 'edgeflow';
import { test } from 'vitest';
import { fragmentTwice } from './fragmentTwice.js';

const twice = fragmentTwice();

test.each<Isolation>(['process', 'inline'])('a fragment is used twice, isolation %s', (isolation) => twice(isolation));
