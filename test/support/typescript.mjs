// Given to `node --import` by tests that fork a TypeScript file.
import { register } from 'node:module';

register('../../dist/src/system/typescriptHooks.js', import.meta.url);
