import { prepareMongo, prepareTemporal } from './embeddedServers';

/** Makes sure that both servers can be started; downloads or builds them if necessary. */
async function main(): Promise<void> {
  const onProgress = (line: string) => process.stdout.write(`${line}\n`);
  await prepareTemporal({ onProgress });
  await prepareMongo({ onProgress });
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
