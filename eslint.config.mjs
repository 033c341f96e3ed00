import eslint from '@eslint/js';
import tseslint from 'typescript-eslint';
import importX from 'eslint-plugin-import-x';
import regexp from 'eslint-plugin-regexp';

/**
 * The rooms of `src`, and the rooms that each may import (docs/architecture.md has a picture). Imports run one way,
 * downwards: if a room may import another, the other may not import it.
 */
const ROOMS = {
  platform: [],
  sync: [],
  systems: ['sync', 'platform'],
  links: ['sync', 'platform'],
  activities: ['sync', 'systems', 'links', 'platform'],
  workflows: ['sync', 'activities'],
  config: ['sync', 'systems', 'platform'],
  workers: ['sync', 'systems', 'links', 'activities', 'workflows', 'config', 'platform'],
  intake: ['sync', 'links', 'workflows', 'platform'],
  checks: ['sync', 'systems', 'links', 'activities', 'workflows', 'config', 'platform'],
  adapter: ['sync', 'systems', 'config', 'checks'],
  operator: [
    'sync',
    'systems',
    'links',
    'activities',
    'workflows',
    'config',
    'workers',
    'intake',
    'checks',
    'platform',
  ],
};

const rooms = Object.entries(ROOMS).map(([room, below]) => ({
  target: `./src/${room}`,
  from: './src',
  except: [room, ...below].map((each) => `./${each}`),
  message: `src/${room} may import ${below.map((each) => `src/${each}`).join(', ') || 'no other room'}.`,
}));

/** Restrictions in addition to the rooms: parts of rooms, and the folders beside `src`. */
const walls = [
  {
    target: [
      './src/links',
      './src/activities',
      './src/intake',
      './src/systems/budget',
      './src/operator/console',
    ],
    from: './src/platform',
    except: ['./mongoErrors.ts', './commandLine.ts'],
    message: 'Of src/platform, this room may import mongoErrors.ts and commandLine.ts only.',
  },
  {
    target: './src/workflows',
    from: './src/activities',
    except: ['./types.ts'],
    message: 'Workflows run in a sandbox of Temporal. Of src/activities, they may import types.ts only.',
  },
  {
    target: './src/platform/egress.ts',
    from: './src/platform',
    message: 'The egress guard may import nothing else of src/platform.',
  },
  {
    target: './src/systems/budget',
    from: ['./src/systems/zendesk', './src/systems/profile'],
    message: 'A budget is the same for all APIs: it may import no code of one system.',
  },
  {
    target: './src/checks/verify',
    from: [
      './src/activities',
      './src/links',
      './src/workers',
      './src/checks/plan',
      './src/sync/planner.ts',
      './src/sync/planner',
      './src/sync/rules',
      './src/sync/merge.ts',
      './src/sync/link.ts',
    ],
    message:
      'The checklist is independent of the sync. Of src/sync, it may import the mapping and the conversion of values.',
  },
  {
    target: './src/checks/conform',
    from: [
      './src/activities',
      './src/links',
      './src/workflows',
      './src/config',
      './src/platform',
      './src/checks/plan',
    ],
    message: 'The conformance kit may use a system through the port only (src/systems/port.ts).',
  },
  {
    target: './src/operator/console',
    from: [
      './src/systems/zendesk',
      './src/systems/profile',
      './src/systems/http.ts',
      './src/systems/oauth.ts',
      './src/systems/credential.ts',
      './src/config',
      './src/intake',
      './src/operator/cli',
    ],
    message:
      'The console may import no API and no credential. The process that starts it passes in what it needs.',
  },
  {
    target: './src/operator/*.ts',
    from: ['./src/operator/cli', './src/operator/console', './src/intake'],
    message: 'Code that the command line and the console share may import neither of them.',
  },
  {
    target: ['./apps/redmine', './apps/roundup'],
    from: './src',
    except: ['./platform'],
    message: 'The checks of Redmine and Roundup share no code with the sync that they check.',
  },
  {
    target: ['checker', 'agreementReport', 'checkedWorlds', 'comparable', 'pairing'].map(
      (part) => `./apps/demo/${part}.ts`,
    ),
    from: './src',
    message: 'The checker is independent of the code that it checks.',
  },
  {
    target: './examples',
    from: './src',
    message: 'An example may import only what the published package exports.',
  },
  {
    target: './packages',
    from: './src',
    message: 'Sandboxes and test kit share no code with the sync that they test.',
  },
  {
    target: ['./src', './apps', './test', './packages/zendesk-sandbox', './packages/pms-sandbox'],
    from: './packages/testkit/src',
    message: "Import 'testkit' by its name; a sandbox may not use it.",
  },
  {
    target: ['./src', './apps', './test', './packages/pms-sandbox', './packages/testkit'],
    from: './packages/zendesk-sandbox/src',
    message: "Import 'zendesk-sandbox' by its name, like any other package.",
  },
  {
    target: ['./src', './apps', './test', './packages/zendesk-sandbox', './packages/testkit'],
    from: './packages/pms-sandbox/src',
    message: "Import 'pms-sandbox' by its name, like any other package.",
  },
];

export default tseslint.config(
  { ignores: ['**/dist/**', 'node_modules/**', 'coverage/**'] },
  eslint.configs.recommended,
  ...tseslint.configs.recommendedTypeChecked,
  {
    plugins: { 'import-x': importX, regexp },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    settings: { 'import-x/resolver': { node: { extensions: ['.ts', '.js'] } } },
    rules: {
      'import-x/no-restricted-paths': ['error', { zones: [...rooms, ...walls] }],
      'import-x/no-duplicates': ['error', { 'prefer-inline': true }],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      '@typescript-eslint/require-await': 'off',
      'no-console': 'error',
    },
  },
  {
    // Texts of records may be a megabyte long. A pattern that needs more than linear time could block a worker.
    files: ['src/{sync,systems,links,activities,intake,checks,adapter}/**', 'packages/*-sandbox/src/**'],
    rules: {
      'regexp/no-super-linear-backtracking': ['error', { report: 'potential' }],
      'regexp/no-super-linear-move': ['error', { report: 'potential', ignorePartial: false }],
    },
  },
  {
    // A file or function beyond these limits has more than one job: divide it by its jobs.
    files: ['src/**/*.ts', 'apps/**/*.ts', 'packages/*/src/**/*.ts'],
    rules: {
      'max-lines': ['error', { max: 400 }],
      'max-lines-per-function': ['error', { max: 60 }],
      'max-depth': ['error', 4],
    },
  },
  {
    files: ['src/operator/cli/**', 'packages/*/src/main.ts', 'apps/demo/**', 'apps/bench/**'],
    rules: { 'no-console': 'off' },
  },
  {
    files: ['src/**', 'packages/zendesk-sandbox/**', 'packages/pms-sandbox/**'],
    rules: { '@typescript-eslint/no-restricted-imports': ['error', { paths: ['testkit'] }] },
  },
  {
    files: ['src/workflows/**'],
    rules: {
      'no-restricted-imports': ['error', { patterns: ['node:*', 'mongodb', 'axios', 'fastify', 'pino'] }],
      'no-restricted-globals': ['error', 'process', 'setInterval', 'fetch'],
    },
  },
  { files: ['**/*.mjs', '**/*.cjs'], ...tseslint.configs.disableTypeChecked },
  {
    files: ['**/*.mjs', '**/*.cjs'],
    languageOptions: {
      globals: {
        process: 'readonly',
        console: 'readonly',
        module: 'writable',
        require: 'readonly',
        __dirname: 'readonly',
        URL: 'readonly',
      },
    },
    rules: { 'no-console': 'off', '@typescript-eslint/no-require-imports': 'off' },
  },
);
