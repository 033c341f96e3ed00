const { availableParallelism } = require('node:os');

/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: '<rootDir>/test/support/realm/environment.cjs',
  runtime: '<rootDir>/test/support/realm/runtime.cjs',
  testMatch: ['<rootDir>/test/**/*.test.ts', '<rootDir>/packages/*/test/**/*.test.ts'],
  // These tests need a real Redmine, or a real Roundup: `npm run test:redmine`, `npm run test:roundup`.
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/redmine/', '<rootDir>/test/roundup/'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'commonjs' } },
    ],
  },
  // The names under which an installed package is imported.
  moduleNameMapper: {
    '^zendesk-pms-sync/adapter$': '<rootDir>/src/adapter/index.ts',
    '^zendesk-pms-sync/adapter/testing$': '<rootDir>/src/adapter/testing.ts',
  },
  testRunner: '<rootDir>/test/support/times/measuredRunner.cjs',
  reporters: ['default', '<rootDir>/test/support/times/reporter.cjs'],
  // The tests wait for servers more than they compute.
  maxWorkers: availableParallelism() + 2,
  globalSetup: '<rootDir>/test/support/globalSetup.ts',
  globalTeardown: '<rootDir>/test/support/globalTeardown.ts',
  // No test asserts a time. This limit only ends tests that hang, also on a busy machine.
  testTimeout: 300_000,
  // The Temporal SDK's native runtime can outlive its workers and keep this process from ending.
  forceExit: true,
  modulePathIgnorePatterns: ['<rootDir>/dist/'],
};
