/** `npm run histories:record`: the recorder, run like a test. */
module.exports = { ...require('./jest.config.cjs'), testMatch: ['<rootDir>/test/histories/record.ts'] };
