/** `npm run test:roundup`: against a real Roundup, one for the whole run. */
const base = require('./jest.config.cjs');
module.exports = {
  ...base,
  testMatch: ['<rootDir>/test/roundup/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/'],
  globalSetup: '<rootDir>/test/roundup/support/globalSetup.ts',
  globalTeardown: '<rootDir>/test/roundup/support/globalTeardown.ts',
};
