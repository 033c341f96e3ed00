import { prepareMongo, prepareTemporal } from './embeddedServers';

/** Makes sure that both servers can be started, building them where they must be built. */
async function main(): Promise<void> {
  const onProgress = (line: string) => process.stdout.write(`${line}\n`);
  await prepareTemporal({ onProgress });
  await prepareMongo({ onProgress });
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
