import { startSandboxes } from '../bed';
import { changes, type Change } from 'testkit';

/**
 * The noisy account's two systems and its people, as a process of their own: what they do must not hold up the systems
 * of the quiet one. Tells its parent where they are, and is told what its people do.
 */

export interface NoisySystems {
  zendesk: { url: string; clientId: string; clientSecret: string };
  pms: { url: string; token: string };
}

/** So many edits at once, and so many a second from now on. */
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
    // Each record is edited in one of the systems only, so that no edit meets another.
    kinds[edits % kinds.length]?.make(edits % tickets);
    edits += 1;
  };
  let timer: NodeJS.Timeout | undefined;
  process.on('message', ({ atOnce, perSecond }: Noise) => {
    clearInterval(timer);
    // Not before all are joined, which is where their people begin.
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
