export interface TestServers {
  temporalAddress: string;
  mongodbUri: string;
  /** The present workflows, bundled once for all test files. */
  workflows: { codePath: string };
}

/** The servers that the test run started (test/support/globalSetup.ts). */
export function testServers(): TestServers {
  const temporalAddress = process.env['ZPS_TEST_TEMPORAL'];
  const mongodbUri = process.env['ZPS_TEST_MONGODB'];
  const codePath = process.env['ZPS_TEST_WORKFLOWS'];
  if (temporalAddress === undefined || mongodbUri === undefined || codePath === undefined) {
    throw new Error('This test needs the servers: run it without ZPS_UNIT_ONLY.');
  }
  return { temporalAddress, mongodbUri, workflows: { codePath } };
}
