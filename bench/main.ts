import { startMongo, startTemporal } from '../src/embedded';
import { SEARCH_ATTRIBUTES } from '../src/workflows/searchAttributes';
import { Bed, say, startSandboxes, type Servers } from './bed';
import { cpuSeconds } from "./process";
import { bareHttp } from './sections/bareHttp';
import { firstSync } from './sections/firstSync';

async function main(): Promise<void> {
  const servers: Servers = {
    temporal: await startTemporal({ searchAttributes: SEARCH_ATTRIBUTES }),
    mongo: await startMongo({}),
  };
  const account = { tickets: Number(process.argv[2] ?? 1000), commentsPerTicket: 3 };
  try {
    const boxes = await startSandboxes(account);
    const bed = await Bed.start(servers, boxes);
    const first = await firstSync(bed, boxes.size);
    say(JSON.stringify(first, null, 2));
    say(`cpu worker ${cpuSeconds(bed.worker.pid)} mongo ${cpuSeconds(servers.mongo.pid)} temporal ${cpuSeconds(servers.temporal.pid)}`);
    await bed.stop();
    await boxes.close();
    say(JSON.stringify(await bareHttp(account)));
  } finally {
    await servers.temporal.stop();
    await servers.mongo.stop();
  }
}
main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
