import { startSandboxes } from '../bed';
import { changes, type Change } from 'testkit';

/**
 * The noisy account's two systems and its people, as a separate process, so that they do not slow down the systems of
 * the quiet account. Sends its parent the addresses, and gets the load from it.
 */

export interface NoisySystems {
  zendesk: { url: string; clientId: string; clientSecret: string };
  pms: { url: string; token: string };
}

/** A number of edits at once, and a rate from then on. */
export interface Noise {
  atOnce: number;
  perSecond: number;
}

const TICK_MS = 50;

async function main(): Promise<void> {
  const tickets = Number(process.argv[2]);
  const boxes = await startSandboxes({ tickets, commentsPerTicket: 0 });
  let kinds: Change[] = [];
  let edits = 0;
  const edit = () => {
    // Each record is edited in only one system, so that no two edits conflict.
    kinds[edits % kinds.length]?.make(edits % tickets);
    edits += 1;
  };
  let timer: NodeJS.Timeout | undefined;
  process.on('message', ({ atOnce, perSecond }: Noise) => {
    clearInterval(timer);
    // Only after all records are linked, because people edit linked records.
    if (kinds.length === 0)
      kinds = changes(boxes).filter(({ name }) => ['project edited', 'ticket edited'].includes(name));
    for (let n = 0; n < atOnce; n += 1) edit();
    let due = 0;
    timer = setInterval(() => {
      for (due += (perSecond * TICK_MS) / 1_000; due >= 1; due -= 1) edit();
    }, TICK_MS);
  });
  process.on('disconnect', () => process.exit(0));
  const { zendesk, pms } = boxes;
  const systems: NoisySystems = {
    zendesk: { url: zendesk.url, clientId: zendesk.clientId, clientSecret: zendesk.clientSecret },
    pms: { url: pms.url, token: pms.token },
  };
  process.send?.(systems);
}

void main();
