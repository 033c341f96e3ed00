import { type EntityMapping, type Mapping, type PropertyRow, writesTo } from '../../sync/mapping';
import { canonicalKey, refKey } from '../../sync/canonicalKey';
import { SIDES, otherSide, type EntityType, type Side } from '../../sync/record';
import type { ResolvedReference } from '../../sync/values';
import { NeedsHuman, RetryLater } from '../../systems/errors';
import type { PmsView } from './publicApi';
import { checklist, keptRow } from './checklist';
import { CommentChecks } from './commentChecks';
import { factOf } from './facts';
import { Lane, failed, type Parent, type Tools } from './checkLane';
import { NOTHING, type Result } from './checklistLine';
import type { Made } from './made';
import type { LinkReasons } from './linkReasons';
import { RefusalChecks } from './refusalChecks';
import { outcomeOf, type Pair } from './triedPair';
import { Recorder } from './verifyRecorder';
import type { World } from './samples';
import { together } from './settleAll';
import type { Patience } from './watch';
import type { ZendeskApi } from './zendeskApi';

const AGENTS_LOOKED_AT = 20;

/** Runs the checklist against two systems that a service keeps in sync. */

export interface RunInput {
  mapping: Mapping;
  apis: { zendesk: ZendeskApi; pms: PmsView };
  /** The prefix of the names of all records that are made. */
  tag: string;
  patience: Patience;
  onProgress?: (done: number, all: number) => void;
  /** Entities whose lines are left out, because another run checks them. */
  without?: readonly EntityType[];
  /** Reads the link store; null if it is not accessible. */
  reasons: LinkReasons | null;
}

/** @param made collects the records that are made, also if the checks fail */
export async function runChecklist(input: RunInput, made: Made): Promise<Result[]> {
  const lines = checklist(input.mapping, input.apis.pms).filter(
    ({ entity }) => !input.without?.includes(entity),
  );
  const recorder = new Recorder(lines, input.onProgress);
  const references = {
    byRef: new Map<string, ResolvedReference>(),
    byKey: new Map<string, ResolvedReference>(),
  };
  let number = 0;
  const world: World = {
    tag: input.tag,
    ...(await people(input, made)),
    groups: (await input.apis.zendesk.groups()).map(({ name }) => name),
    options: new Map([...(await input.apis.zendesk.options()), ...(await input.apis.pms.options())]),
    parents: { OrgToCustomer: [], TicketToProject: [], CommentToProject: [] },
    references,
    next: () => (number += 1),
  };
  const { mapping, apis, patience, reasons } = input;
  const tools: Tools = { mapping, apis, world, made, recorder, patience, reasons };
  try {
    await new Run(tools, apis.zendesk, references, {
      without: new Set(input.without),
    }).all();
    return recorder.results();
  } catch (error) {
    // Reports the finished lines; all others count as failed.
    if (patience.signal.aborted) return recorder.results('stopped before it');
    if (error instanceof RetryLater || error instanceof NeedsHuman) return recorder.results(error.message);
    throw error;
  }
}

/** Adds people to both systems, so that values can name them on either side. */
async function people({ apis, tag }: RunInput, made: Made): Promise<Pick<World, 'agents' | 'customers'>> {
  const customers: string[] = [];
  for (const n of [1, 2]) {
    const email = `${tag}-customer-${n}@verify.example`.toLowerCase();
    for (const side of SIDES) {
      made.person(side, email);
      await apis[side].person(email, `${tag} Customer ${n}`);
    }
    customers.push(email);
  }
  const agents = await apis.zendesk.agents();
  const known: string[] = [];
  for (const { email } of agents.slice(0, AGENTS_LOOKED_AT))
    if (known.length < 2 && (await apis.pms.personOf(email)) !== null) known.push(email);
  const [first] = agents;
  if (known.length === 0 && first) {
    made.person('pms', first.email);
    await apis.pms.person(first.email, first.name);
    known.push(first.email);
  }
  return { agents: known, customers };
}

class Run {
  private readonly counts: (() => Promise<void>)[] = [];

  constructor(
    private readonly tools: Tools,
    private readonly zendesk: ZendeskApi,
    private readonly references: {
      byRef: Map<string, ResolvedReference>;
      byKey: Map<string, ResolvedReference>;
    },
    private readonly scope: { without: ReadonlySet<EntityType> },
  ) {}

  /** Checks parents first, and independent entities in parallel. */
  async all(): Promise<void> {
    const { OrgToCustomer, TicketToProject, CommentToProject } = this.tools.mapping.entities;
    const both = (work: (from: Side) => Promise<unknown>) => together(SIDES.map(work));
    const organizations = this.organizations(OrgToCustomer);
    const work = [
      organizations.then((bases) => both((from) => this.rowsOf(OrgToCustomer, from, bases[from]))),
      organizations.then(async () => {
        const tickets = await this.bases(TicketToProject, null);
        const refusals = new RefusalChecks(this.tools, TicketToProject);
        const all = both(async (from) => {
          const base = tickets[from];
          await together([
            this.rowsOf(TicketToProject, from, base),
            this.comments(CommentToProject, from, base),
          ]);
        });
        await together([all, refusals.run()]);
      }),
    ];
    await together(work);
    // Counts again, because a second counterpart may have been created since.
    for (const count of this.counts) await count();
  }

  /** Makes the test customers members of the organizations, so that their tickets can belong to these. */
  private async organizations(table: EntityMapping): Promise<Record<Side, Base | null>> {
    const bases = await this.bases(table, null);
    for (const base of Object.values(bases))
      for (const email of this.tools.world.customers)
        if (base) await this.zendesk.join(email, base.ids.zendesk);
    return bases;
  }

  private async comments(table: EntityMapping, from: Side, ticket: Base | null): Promise<void> {
    if (!ticket) {
      this.failAll(table, from, `there is no ticket with a project to comment on`);
      return;
    }
    const base = await this.base(table, from, ticket);
    if (!base) return;
    await together([
      this.rowsOf(table, from, base, ticket),
      new CommentChecks(this.tools, this.zendesk, table, from, ticket).run(),
    ]);
  }

  /** Makes two plain pairs: one begins in Zendesk, one in the PMS. */
  private async bases(table: EntityMapping, parent: Parent | null): Promise<Record<Side, Base | null>> {
    const [zendesk, pms] = await Promise.all([
      this.base(table, 'zendesk', parent),
      this.base(table, 'pms', parent),
    ]);
    return { zendesk, pms };
  }

  private async base(table: EntityMapping, from: Side, parent: Parent | null): Promise<Base | null> {
    const { recorder, world, apis } = this.tools;
    const { entity, kind } = table;
    const to = otherSide(from);
    const made = await new Lane(this.tools, table, from, [], parent).make({});
    const line = recorder.line(entity, null, from, 'pair');
    if (!('pair' in made)) {
      recorder.set(line, outcomeOf(null, [failed(made.reason)], null));
      this.failAll(table, from, `nothing comes across: ${made.reason}`);
      return null;
    }
    const { ends } = made.pair;
    const seconds = (Date.now() - made.at) / 1000;
    const origin = { side: from, kind: kind[from], id: ends.ids[from] };
    const key = canonicalKey(entity, origin);
    const resolved = { key, ids: ends.ids, ended: false };
    this.references.byKey.set(key, resolved);
    for (const side of SIDES)
      this.references.byRef.set(refKey({ side, kind: kind[side], id: ends.ids[side] }), resolved);
    world.parents[entity].push(key);
    const count = async () => {
      const found = (await apis[to].find(kind[to], refKey(origin), parent?.ids[to] ?? null)).map(
        ({ id }) => id,
      );
      const isOnly = found.length === 1;
      recorder.set(line, {
        ...outcomeOf(ends, [], null),
        status: isOnly ? 'passed' : 'failed',
        reason: isOnly ? null : `found ${found.length}`,
        written: ends.ids[from],
        found: found.join(', '),
        seconds,
      });
    };
    await count();
    this.counts.push(count);
    return { key, ids: ends.ids, pair: made.pair };
  }

  private async rowsOf(
    table: EntityMapping,
    from: Side,
    base: Base | null,
    parent: Parent | null = null,
  ): Promise<void> {
    if (!base || this.scope.without.has(table.entity)) return;
    const rows = table.rows.filter((row) => writesTo(row, otherSide(from)));
    const apart = rows.filter((row) => isApart(table, row));
    const usual = rows.filter((row) => !apart.includes(row));
    const lanes = [usual, ...apart.map((row) => [row])].filter((lane) => lane.length > 0);
    await together([
      ...lanes.map((lane) => new Lane(this.tools, table, from, lane, parent).run()),
      this.kept(table, from, base),
      this.isInternal(table, from, base),
    ]);
  }

  /** Checks that an edit of the counterpart comes back to its origin. */
  private async kept(table: EntityMapping, from: Side, { pair }: Base): Promise<void> {
    const { recorder, world } = this.tools;
    const line = recorder.line(table.entity, null, from, 'keep');
    const row = keptRow(table);
    if (!line || !row) return;
    const sample = `${world.tag} kept ${world.next()}`;
    const attempts = await pair.edit(otherSide(from), new Map([[row, sample]]));
    recorder.set(line, outcomeOf(pair.ends, [...attempts.values()], null));
  }

  private async isInternal(table: EntityMapping, from: Side, { ids, pair }: Base): Promise<void> {
    const { recorder, apis } = this.tools;
    const line = recorder.line(table.entity, null, from, 'internal');
    if (!line) return;
    const seen = await apis.zendesk.read(table.kind.zendesk, ids.zendesk);
    const found = seen?.values['public'];
    const passed = found === false;
    recorder.set(line, {
      ...outcomeOf(pair.ends, [], null),
      status: passed ? 'passed' : 'failed',
      reason: passed ? null : 'customers can read it',
      written: false,
      found,
      seconds: 0,
    });
  }

  private failAll(table: EntityMapping, from: Side, reason: string): void {
    const { recorder } = this.tools;
    for (const line of recorder.lines) {
      if (line.entity !== table.entity || line.from !== from || line.cannot !== null) continue;
      if (line.check === 'pair') continue;
      recorder.set(line, { ...NOTHING, status: 'failed', reason });
    }
  }
}

interface Base extends Parent {
  pair: Pair;
}

function isApart(table: EntityMapping, row: PropertyRow): boolean {
  return SIDES.some((side) => factOf(side, table.kind[side], row[side] ?? '').apart);
}
