import baseTeardown from '../../support/globalTeardown';

export default async function globalTeardown(): Promise<void> {
  await globalThis.zpsRedmine?.stop();
  await baseTeardown();
}
