export function testServers(): { temporalAddress: string; mongodbUri: string } {
  return {
    temporalAddress: process.env['TEMPORAL_ADDRESS'] ?? '',
    mongodbUri: process.env['MONGODB_URI'] ?? '',
  };
}
