import eslint from '@eslint/js';
import tseslint from 'typescript-eslint';
import importX from 'eslint-plugin-import-x';
import regexp from 'eslint-plugin-regexp';

/**
 * The rooms of `src`, and which others each may import (docs/architecture.md has the picture). Imports run one way,
 * downwards: a room is not in the list of any room that it lists.
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

/** Finer than the rooms. */
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
    message:
      'Of the platform, this room knows how errors of the MongoDB driver are judged and how commands are typed, and no more.',
  },
  {
    target: './src/workflows',
    from: './src/activities',
    except: ['./types.ts'],
    message: 'Workflows run in a sandbox of Temporal: of the activities they know the types.',
  },
  {
    target: './src/platform/egress.ts',
    from: './src/platform',
    message: 'The egress guard knows nothing of what it fetches.',
  },
  {
    target: './src/systems/budget',
    from: ['./src/systems/zendesk', './src/systems/profile'],
    message: 'A budget knows how an API tells its limits, and nothing of what is called.',
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
    message: 'The checklist looks from outside: of the sync it knows the mapping and how values are read.',
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
    message: 'The conformance kit sees a system through the port alone, whatever stands behind it.',
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
      'The console knows no API and no credential of one; the process that starts it passes in what it needs.',
  },
  {
    target: './src/operator/*.ts',
    from: ['./src/operator/cli', './src/operator/console', './src/intake'],
    message: 'What an operator can do is the same at a terminal and in the console.',
  },
  {
    target: ['./apps/redmine', './apps/roundup'],
    from: './src',
    except: ['./platform'],
    message: 'What people see of Redmine and Roundup shares no code with the sync that is compared with it.',
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
    message: 'An example imports what somebody who has the package can import.',
  },
  {
    target: './packages',
    from: './src',
    message: 'Sandboxes and test kit share no code with the sync that they test.',
  },
  {
    target: ['./src', './apps', './test', './packages/zendesk-sandbox', './packages/pms-sandbox'],
    from: './packages/testkit/src',
    message: "Import 'testkit'; a sandbox does without.",
  },
  {
    target: ['./src', './apps', './test', './packages/pms-sandbox', './packages/testkit'],
    from: './packages/zendesk-sandbox/src',
    message: "Import 'zendesk-sandbox', as a stranger would.",
  },
  {
    target: ['./src', './apps', './test', './packages/zendesk-sandbox', './packages/testkit'],
    from: './packages/pms-sandbox/src',
    message: "Import 'pms-sandbox', as a stranger would.",
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
    // Texts of records may be a megabyte long: a pattern takes time in proportion to that, or stops a worker.
    files: ['src/{sync,systems,links,activities,intake,checks,adapter}/**', 'packages/*-sandbox/src/**'],
    rules: {
      'regexp/no-super-linear-backtracking': ['error', { report: 'potential' }],
      'regexp/no-super-linear-move': ['error', { report: 'potential', ignorePartial: false }],
    },
  },
  {
    // A file or function that grows beyond this has more than one job: it is divided by jobs.
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
