import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import type { PmsBackup } from 'pms-sandbox';
import { SIDES, type Side } from 'testkit';
import type { FaultInput } from 'zendesk-sandbox/common';
import type { Model, Real } from './commands';
import { LinkStoreCopy } from './linkStoreCopy';
import type { LinkDocument } from './linkDocument';
import type { World } from './world';

/**
 * Rare events in an installation: a backup is restored, the link store is lost, a side's lists are empty. Afterwards
 * the operator does exactly what docs/operations.md says.
 */

export const ACCIDENTS = ['pmsRestored', 'linksRestored', 'linksLost', 'pmsBlank', 'zendeskBlank'] as const;
export type AccidentName = (typeof ACCIDENTS)[number];

/** One of this number of episodes has an accident. */
const RARITY = 4;
/** Covers the difference between the clocks of backup and PMS, and the second in which the backup began. */
const MARGIN_MS = 2_000;
/** Long enough for pairs to look for their records while a side's lists are empty. */
const BLANK_MS = 4_000;

/**
 * @param backup the part of the episode before the backup, in percent @param at the part of the rest before the
 * accident
 */
interface Plan {
  name: AccidentName;
  backup: number;
  at: number;
}

export class Accident {
  private made: { at: Date; pms: PmsBackup; links: LinkStoreCopy } | null = null;

  constructor(
    private readonly plan: Plan,
    /** Whether the operator repairs the damage. */
    private readonly isCured: boolean,
  ) {}

  toString(): string {
    const { name, backup, at } = this.plan;
    return `${name}(backup at ${backup} %, ${at} % of the rest later)`;
  }

  /** Adds the backup and the accident to the commands. */
  among(commands: Iterable<Command>): Command[] {
    const all = [...commands];
    const backup = Math.floor((all.length * this.plan.backup) / 100);
    const rest = Math.floor(((all.length - backup) * this.plan.at) / 100);
    return [
      ...all.slice(0, backup),
      always('backup', ({ world }) => this.backUp(world)),
      ...all.slice(backup, backup + rest),
      always(String(this), (real) => this.happen(real)),
      ...all.slice(backup + rest),
    ];
  }

  private async backUp(world: World): Promise<void> {
    const { name } = this.plan;
    if (name !== 'pmsRestored' && name !== 'linksRestored') return;
    const at = new Date();
    const links = await world.atStandstill(() => LinkStoreCopy.of(world.linkStore));
    this.made = { at, pms: world.pms.backup(), links };
  }

  private async happen({ world, people }: Real): Promise<void> {
    const { name } = this.plan;
    world.kills[name] = (world.kills[name] ?? 0) + 1;
    world.calm();
    await Promise.all(SIDES.map((side) => world.setFaults(side, [])));
    if (name === 'pmsBlank') await this.showNothing(world, 'pms');
    else if (name === 'zendeskBlank') await this.showNothing(world, 'zendesk');
    else if (name === 'pmsRestored') await this.restorePms(world);
    else {
      // Without the link store, the service takes a deleted field for one that never existed, and refuses to start.
      if (name === 'linksLost') people.administrators.putRight();
      await this.restoreLinks(world, name === 'linksLost' ? null : (this.made?.links ?? null));
    }
  }

  /** docs/operations.md, "Zendesk or the PMS". */
  private async restorePms(world: World): Promise<void> {
    if (!this.made) throw new Error('there is no backup');
    const restoredAt = Date.now();
    restore(world, this.made.pms);
    if (!this.isCured) return;
    const since = new Date(this.made.at.getTime() - MARGIN_MS).toISOString();
    await world.operator.run(['cursors', 'rewind', 'pms:changes', since]);
    world.afterwards.cursorRewound(restoredAt);
    await world.operator.run(['reconcile']);
    // A create in progress may be sent after this reconcile. Its pair ends with the second reconcile that does not
    // find its record.
    world.afterwards.nightsToCome = 2;
  }

  /** docs/operations.md, "MongoDB, from a backup" and "MongoDB, without a backup". */
  private async restoreLinks(world: World, copy: LinkStoreCopy | null): Promise<void> {
    await world.stopService();
    const links = await world.linkStore.collection<LinkDocument>('links').find().toArray();
    world.afterwards.linksLost(links);
    await world.linkStore.dropDatabase();
    await copy?.restoreTo(world.linkStore);
    if (this.isCured) await world.operator.run(['links', 'rebuild'], 'were signalled to sync');
    world.startService();
    if (this.isCured) await world.operator.run(['reconcile']);
    await world.idle();
    world.afterwards.linksBackAt = new Date().toISOString();
  }

  /** docs/operations.md, "A side that shows nothing for a while". */
  private async showNothing(world: World, side: Side): Promise<void> {
    world.afterwards.blankAt = new Date().toISOString();
    await world.setFaults(side, BLANK[side]);
    await world.operator.run(['reconcile']);
    await sleep(BLANK_MS);
    await world.setFaults(side, []);
    if (this.isCured) await world.operator.run(['reconcile']);
  }
}

/** Restores the PMS. The trace, and the record of what customers see, get the restored and the lost records. */
function restore({ pms, trace, leaks, afterwards }: World, backup: PmsBackup): void {
  const restored = pms.restore(backup);
  const last = (ref: string) => trace.findLast((entry) => entry.ref === ref && entry.record !== null)?.record;
  afterwards.pmsRestored(restored, (ref) => last(ref) ?? null);
  for (const { kind, id, after } of restored) {
    const ref = `pms:${kind}:${id}`;
    const what = after ? 'restored' : 'vanished';
    trace.push({ at: new Date().toISOString(), ref, by: 'backup', what, record: after ?? null });
    leaks.restored(ref, after?.['visibility'] === 'public');
  }
}

/** Empty lists, no records by id, and no writes: like a broken proxy. */
const BLANK: Record<Side, FaultInput[]> = {
  zendesk: blank('/api/v2', 'tickets|organizations', 'incremental/[a-z_/]+|search'),
  pms: blank('/api/v1', 'customers|projects|notes', 'changes'),
};

function blank(base: string, collections: string, more: string): FaultInput[] {
  return [
    {
      route: `^(POST|PUT|PATCH|DELETE) ${base}/(${collections})`,
      kind: 'status',
      status: 503,
      retryAfterSeconds: 1,
    },
    {
      route: `^GET ${base}/(${collections})/[A-Z]?-?\\d`,
      kind: 'status',
      status: 404,
      body: { error: 'RecordNotFound', description: 'Not found' },
    },
    { route: `^GET ${base}/(${collections}|${more})`, kind: 'blank' },
  ];
}

type Command = fc.AsyncCommand<Model, Real>;

function always(name: string, run: (real: Real) => Promise<void>): Command {
  return { check: () => true, run: async (_, real) => run(real), toString: () => name };
}

/** @param only this accident in each episode; `none`: no accidents */
export function accidents(
  only: AccidentName | 'none' | undefined,
  isCured: boolean,
): fc.Arbitrary<Accident | null> {
  if (only === 'none') return fc.constant(null);
  const names = fc.constantFrom(...(only === undefined ? ACCIDENTS : [only]));
  const some = fc
    .record({ name: names, backup: fc.integer({ min: 10, max: 50 }), at: fc.integer({ min: 30, max: 90 }) })
    .map((plan) => new Accident(plan, isCured));
  if (only !== undefined) return some;
  return fc.oneof(
    { withCrossShrink: true },
    { arbitrary: fc.constant(null), weight: RARITY - 1 },
    { arbitrary: some, weight: 1 },
  );
}
