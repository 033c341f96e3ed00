import eslint from '@eslint/js';
import tseslint from 'typescript-eslint';
import importX from 'eslint-plugin-import-x';

/**
 * Import boundaries: `from` lists the folders that a folder may NOT reach. Workflows run in Temporal's
 * deterministic sandbox, so they see src/sync and types only; the core sees nothing but itself.
 */
const zones = [
  {
    target: './src/sync',
    from: './src',
    except: ['./sync'],
    message: 'src/sync is pure: it imports nothing from the rest of the service.',
  },
  {
    target: './src/workflows',
    from: './src',
    except: ['./sync', './workflows', './activities/types.ts'],
    message: 'Workflows import only src/sync and types.',
  },
  {
    target: './src/systems',
    from: './src',
    except: ['./sync', './systems', './net'],
    message: 'Adapters know the port and the core, not the machinery around them.',
  },
  {
    target: './src/net',
    from: './src',
    except: ['./net'],
    message: 'The egress guard knows nothing of what it fetches.',
  },
  {
    target: './src/links',
    from: './src',
    except: ['./sync', './links'],
    message: 'The link store knows the core only.',
  },
  {
    target: './src/intake',
    from: ['./src/systems', './src/activities', './src/workers', './src/cli', './src/config'],
    message: 'The receiver is what strangers reach: it knows no API, no credential and no pair.',
  },
  {
    target: './src/console',
    from: ['./src/systems', './src/cli', './src/embedded', './src/config', './src/intake'],
    message: 'The console knows no API and no credential of one; who starts it gives it what it needs.',
  },
  {
    target: './src/operator',
    from: ['./src/cli', './src/console', './src/intake'],
    message: 'What an operator can do is the same at a terminal and in the console.',
  },
  {
    target: './src/budget',
    from: './src',
    except: ['./sync', './systems', './budget'],
    message: 'A budget knows how an API tells its limits, and nothing of what is called.',
  },
  {
    target: './src/verify',
    from: [
      './src/activities',
      './src/links',
      './src/plan',
      './src/workers',
      './src/sync/plan.ts',
      './src/sync/planner',
      './src/sync/rules',
      './src/sync/merge.ts',
      './src/sync/link.ts',
    ],
    message: 'The checklist looks from outside: of the sync it knows the mapping and how values are read.',
  },
  {
    target: './src/conform',
    from: './src',
    except: ['./sync', './systems', './verify', './conform'],
    message: 'The conformance kit sees a system through the port alone, whatever stands behind it.',
  },
  {
    target: './redmine',
    from: './src',
    except: ['./embedded'],
    message: 'What people see of Redmine shares no code with the sync that is compared with it.',
  },
  {
    target: './src/adapter',
    from: './src',
    except: ['./sync', './systems', './config', './conform', './adapter'],
    message: 'What others build on names parts of the service, and is none of it.',
  },
  {
    target: './examples',
    from: './src',
    message: 'An example imports what somebody who has the package can import.',
  },
  { target: './sandbox', from: './src', message: 'A sandbox shares no code with the sync that it tests.' },
  {
    target: './demo/checker.ts',
    from: './src',
    message: 'The checker is independent of the code that it checks.',
  },
];

export default tseslint.config(
  { ignores: ['dist/**', 'node_modules/**', 'coverage/**'] },
  eslint.configs.recommended,
  ...tseslint.configs.recommendedTypeChecked,
  {
    plugins: { 'import-x': importX },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    settings: { 'import-x/resolver': { node: { extensions: ['.ts', '.js'] } } },
    rules: {
      'import-x/no-restricted-paths': ['error', { zones }],
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
    files: ['src/cli/**', 'sandbox/**/main.ts', 'demo/**', 'bench/**'],
    rules: { 'no-console': 'off' },
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
        URL: 'readonly',
      },
    },
    rules: { 'no-console': 'off', '@typescript-eslint/no-require-imports': 'off' },
  },
);
