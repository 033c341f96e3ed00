import baseTeardown from '../../support/globalTeardown';

export default async function globalTeardown(): Promise<void> {
  await globalThis.zpsRoundup?.stop();
  await baseTeardown();
}
