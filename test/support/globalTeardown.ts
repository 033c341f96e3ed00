export default async function globalTeardown(): Promise<void> {
  await globalThis.zpsServers?.temporal.stop();
  await globalThis.zpsServers?.mongo.stop();
}
