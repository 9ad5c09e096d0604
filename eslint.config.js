import { defineConfig } from 'eslint/config';
import importX, { createNodeResolver } from 'eslint-plugin-import-x';
import rxjsX from 'eslint-plugin-rxjs-x';
import tseslint from 'typescript-eslint';

/** Folders of src from the bottom up: a module imports from its own layer and from those before it. */
const layers = ['brokers', 'observe', 'flow', 'system', 'check', 'dashboard', 'cli'];

/** For each layer, the layers above it, which it must not import. */
const oneWay = layers.flatMap((layer, index) => {
  const above = layers.slice(index + 1).map((name) => `./src/${name}`);
  return above.length > 0 ? [{ target: `./src/${layer}`, from: above, message: `src/${layer} must not know what is built on it` }] : [];
});

export default defineConfig(
  { ignores: ['dist/', 'coverage/'] },
  {
    files: ['**/*.{ts,tsx}'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked, rxjsX.configs.recommended],
    plugins: { 'import-x': importX },
    languageOptions: { parserOptions: { projectService: { allowDefaultProject: ['vitest.config.ts'] } } },
    settings: {
      'import-x/extensions': ['.ts', '.tsx', '.js'],
      'import-x/parsers': { '@typescript-eslint/parser': ['.ts', '.tsx'] },
      'import-x/resolver-next': [createNodeResolver({ extensionAlias: { '.js': ['.ts', '.tsx', '.js'] } })],
    },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true, allowNullish: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unnecessary-condition': ['error', { allowConstantLoopConditions: true }],
      '@typescript-eslint/unified-signatures': 'off',
      'import-x/no-cycle': 'error',
      'import-x/no-default-export': 'error',
      'import-x/no-restricted-paths': [
        'error',
        {
          basePath: import.meta.dirname,
          zones: [
            ...oneWay,
            { target: './src', from: ['./operators', './recipes', './test', './bench'], message: 'the core knows nothing of pictures' },
            {
              target: ['./operators', './recipes'],
              from: './src',
              message: "operators and recipes use what a user can import: 'edgeflow'",
            },
            { target: './operators', from: './recipes' },
            { target: ['./src', './operators', './recipes'], from: ['./test', './bench'] },
          ],
        },
      ],
      eqeqeq: 'error',
      // An async generator without a wait is still what an AsyncIterable is made of.
      '@typescript-eslint/require-await': 'off',
      'no-console': ['error', { allow: ['warn', 'error'] }],
      'rxjs-x/no-ignored-error': 'off',
      'rxjs-x/throw-error': 'off',
      // The end of the stream comes before the operators that confirm what it had emitted.
      'rxjs-x/no-unsafe-takeuntil': 'off',
    },
  },
  {
    // Entry modules and node modules are imported by their default export.
    files: ['recipes/**', 'test/**', 'bench/nodes/**', '*.config.*', 'docs/**'],
    rules: { 'import-x/no-default-export': 'off' },
  },
  {
    files: ['test/**', 'bench/**', 'src/cli/**', 'src/testing/**', 'recipes/**/training/**'],
    rules: { 'no-console': 'off' },
  },
  {
    files: ['test/**', 'src/testing/**'],
    rules: { 'rxjs-x/no-nested-subscribe': 'off' },
  },
);
