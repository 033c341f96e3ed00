/** Records a link store; see test/fixtures/store-v0/README.md. */
module.exports = { ...require('./jest.config.cjs'), testMatch: ['<rootDir>/test/fixtures/record.ts'] };
