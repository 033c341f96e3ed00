/** `npm run test:redmine`: against a real Redmine, one for the whole run. */
const base = require('./jest.config.cjs');
module.exports = {
  ...base,
  testMatch: ['<rootDir>/test/redmine/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/'],
  globalSetup: '<rootDir>/test/redmine/support/globalSetup.ts',
  globalTeardown: '<rootDir>/test/redmine/support/globalTeardown.ts',
};
