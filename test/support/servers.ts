/** The servers that the test run started (test/support/globalSetup.ts). */
export function testServers(): { temporalAddress: string; mongodbUri: string } {
  const temporalAddress = process.env['ZPS_TEST_TEMPORAL'];
  const mongodbUri = process.env['ZPS_TEST_MONGODB'];
  if (temporalAddress === undefined || mongodbUri === undefined) {
    throw new Error('This test needs the servers: run it without ZPS_UNIT_ONLY.');
  }
  return { temporalAddress, mongodbUri };
}
