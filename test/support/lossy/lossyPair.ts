import { canonicalKey, refKey, type CanonicalKey } from '../../../src/sync/canonicalKey';
import { abandonIntent, triedOf, withOverruled, type Overruling } from '../../../src/sync/abandonedIntent';
import { commit } from '../../../src/sync/commit';
import { agreed, newLink, seenVersion, type Intent, type Link } from '../../../src/sync/link';
import { planPair, isEcho, type PairState, type Plan } from '../../../src/sync/planner';
import { rebuiltLink } from '../../../src/sync/rebuiltLink';
import { SIDES, otherSide, type Side, type SyncRecord } from '../../../src/sync/record';
import { offeredAgain } from '../../../src/sync/refusedWrite';
import { withoutNotTaken } from '../../../src/sync/notTaken';
import { decisionsOf, type Decision } from '../../../src/sync/resolution';
import { NO_REFERENCES } from '../../../src/sync/values';
import { NOW } from '../world';
import { MAPPING } from './rows';
import { Died, QUIET, type Moment, type PersonsEdit } from './moments';
import { PairStore, digestOf } from './pairStore';
import type { TwoSystems } from './twoSystems';
import { PairWrites } from './pairWrites';

/**
 * One pair, synced as src/workflows and src/activities do it, by the pure core alone: turns, activities that are
 * repeated, observations, lost and restored link stores.
 */

const table = MAPPING.entities.TicketToProject;
const STEPS_AT_MOST = 40;

interface Inbox {
  hints: { side: Side; version: string | null }[];
  force: boolean;
}

export class LossyPair {
  readonly key: CanonicalKey;
  readonly store = new PairStore();
  /** What the link stores that were lost knew of overruled values. */
  readonly lostLinks: Link[] = [];
  /** What a person decided and the sync has not carried out. */
  decisions: Decision[] = [];
  /** Elements of the set that a write of unknown outcome should have removed. */
  readonly unknownRemovals = new Set<string>();
  /** Values that were written with an unknown outcome. */
  readonly unknownWrites: { side: Side; row: string; at: number }[] = [];
  /** When the records' values last met for the first time: after a creation, or after a link store was lost. */
  metAt = 0;
  /** When the pair was first planned through after its link store was lost or restored; -1 if it never was. */
  linksBackAt = -1;
  private isUnmet = true;
  private isLost = false;
  /** The fates of writes so far. */
  readonly fates: Moment['fate'][] = [];
  /** A record was found whose creation was not answered. */
  wasMade = false;
  /** Plans to write so far. */
  writes = 0;
  /** Told of each state that the planner was asked about. */
  onPlan: (state: PairState, plan: Plan) => void = () => undefined;
  private inbox: Inbox = { hints: [], force: false };
  private linksSince = NOW;
  private moments: Moment[] = [];
  private readonly origin: Side;

  constructor(
    readonly systems: TwoSystems,
    origin: SyncRecord,
    private readonly edit: (edit: PersonsEdit) => void,
  ) {
    this.key = canonicalKey('TicketToProject', origin.ref);
    this.origin = origin.ref.side;
  }

  get link(): Link | null {
    return this.store.link;
  }

  hasNews(): boolean {
    return this.inbox.hints.length > 0 || this.inbox.force;
  }

  /** The change stream shows a record, perhaps as it was some changes ago. */
  poll(side: Side, lag = 0): void {
    const record = this.systems.asShown(side, lag);
    if (!record) return;
    const { link, store } = this;
    if (link?.sides[side] && isEcho(MAPPING, table, link, record, NO_REFERENCES)) return;
    const isRefusedOn =
      link?.status === 'quarantined' && link.refusedOn?.[refKey(record.ref)] === digestOf(record);
    if (isRefusedOn) return;
    if (!store.keep(record)) this.inbox.force = true;
    this.inbox.hints.push({ side, version: record.version });
  }

  resync(): void {
    this.inbox.force = true;
  }

  decide(row: string, choice: Side): void {
    if (!this.link?.conflicts.some((each) => each.row === row)) return;
    this.decisions = [
      ...this.decisions.filter((each) => !('row' in each) || each.row !== row),
      { row, choice },
    ];
    this.inbox.force = true;
  }

  /** The link store is lost, and `links rebuild` restores the link from the records. */
  loseLinks(): void {
    if (this.link) this.lostLinks.push(this.link);
    this.store.lose();
    this.isUnmet = true;
    this.isLost = true;
    this.decisions = [];
    this.inbox = { hints: [], force: false };
    this.linksSince = '2025-01-01T00:00:00.000Z';
    const { zendesk, pms } = this.systems.records;
    if (zendesk && pms)
      this.store.save(rebuiltLink(this.key, MAPPING, table, { zendesk, pms }, NO_REFERENCES, NOW).link);
    for (const side of SIDES) this.poll(side);
  }

  /** The link store goes back to a former copy. @returns whether there was one */
  restoreLinks(age: number): boolean {
    const before = this.link;
    if (!this.store.restore(age)) return false;
    if (before) this.lostLinks.push(before);
    this.isUnmet = true;
    this.isLost = true;
    this.inbox = { hints: [], force: true };
    return true;
  }

  /** One turn of the pair's workflow. */
  turn(moments: readonly Moment[] = []): void {
    const inbox = this.inbox;
    this.inbox = { hints: [], force: false };
    this.moments = [...moments];
    try {
      this.runSteps(inbox);
    } catch (error) {
      if (!(error instanceof Died)) throw error;
      // The next signal starts another workflow.
      this.inbox.hints.push({ side: this.origin, version: null });
    }
  }

  /** Plays the edits before a call. */
  begin(): Moment {
    const moment = this.moments.shift() ?? QUIET;
    moment.before.forEach(this.edit);
    return moment;
  }

  end({ after }: Moment): void {
    after.forEach(this.edit);
  }

  private runSteps(inbox: Inbox): void {
    let fresh: Side[] = [];
    for (let steps = 0; steps < STEPS_AT_MOST; steps += 1) {
      const step = this.plan(inbox, fresh, steps === 0);
      if (step.next === 'rest') return;
      if (step.next === 'read') {
        this.read(step.side);
        fresh = [...fresh, step.side];
        continue;
      }
      const outcome = new PairWrites(this).writeAll(step.sides);
      if (outcome.next === 'done') return;
      fresh = outcome.fresh;
    }
    throw new Error('does not settle within a turn');
  }

  read(side: Side): void {
    const replaced = this.store.observations[side];
    const moment = this.begin();
    const record = this.systems.records[side];
    if (record) this.store.keep(record, replaced);
    this.end(moment);
  }

  private plan(inbox: Inbox, fresh: readonly Side[], isFirst: boolean): Step {
    for (let pass = 0; pass < 6; pass += 1) {
      if (pass === 0 && isFirst) this.offerAgain(inbox);
      const step = this.pass(inbox, fresh);
      if (step) return step;
    }
    throw new Error('no plan after six passes');
  }

  /** See `PairTurn.withRetries`. */
  private offerAgain({ force }: Inbox): void {
    const { link } = this;
    const notTaken = force && link?.intent === null ? offeredAgain(link, table) : null;
    if (link && notTaken) this.store.save({ ...link, notTaken });
  }

  private pass(inbox: Inbox, fresh: readonly Side[]): Step | null {
    const { link, store } = this;
    const members = SIDES.filter((side) => side === this.origin || link?.sides[side]);
    const isWanted = (side: Side) => {
      const hint = inbox.hints.findLast((each) => each.side === side);
      return hint && !store.observations[side] && hint.version !== link?.sides[side]?.version;
    };
    const [unread] = members.filter((side) => (inbox.force || isWanted(side)) && !fresh.includes(side));
    if (unread) return { next: 'read', side: unread };
    const observed: PairState['observed'] = {};
    for (const side of members) {
      const record = store.observations[side];
      if (record) observed[side] = { record, fresh: fresh.includes(side) };
    }
    const state: PairState = {
      key: this.key,
      link,
      observed,
      decisions: decisionsOf(this.decisions),
      references: NO_REFERENCES,
      hops: 0,
      linksSince: this.linksSince,
      now: this.systems.now(),
    };
    const plan = planPair(state, MAPPING);
    this.onPlan(state, plan);
    return this.applyPlan(plan, link ?? newLink(this.key, 'TicketToProject', MAPPING.version, NOW), members);
  }

  private applyPlan(plan: Plan, link: Link, members: readonly Side[]): Step | null {
    const observed = members.flatMap((side) => this.store.observations[side] ?? []);
    switch (plan.do) {
      case 'read': {
        const [first] = plan.refs;
        return { next: 'read', side: first?.startsWith('pms') ? 'pms' : 'zendesk' };
      }
      case 'settled': {
        const settled = agreed(withFindings(link, plan), plan.agreement, MAPPING.version, NOW);
        for (const side of SIDES) {
          const record = plan.seen[side];
          const known = settled.sides[side];
          const backRef = known?.backRef || (record?.backRef ?? null) !== null;
          if (record && known) settled.sides[side] = { ...known, ...seenVersion(record), backRef };
        }
        if (JSON.stringify(link) !== JSON.stringify(settled)) this.store.save(settled);
        this.noteMeeting();
        this.dropActedOn(link, settled);
        this.store.forget(Object.fromEntries(observed.map((each) => [refKey(each.ref), digestOf(each)])));
        return { next: 'rest' };
      }
      case 'write': {
        this.writes += 1;
        const saved = this.store.save({
          ...withFindings(link, plan),
          ...triedOf(link),
          intent: withSources(plan.intent, link, observed),
          mappingVersion: MAPPING.version,
        });
        const pending = saved.intent?.writes.filter(({ done }) => !done) ?? [];
        return { next: 'write', sides: pending.map(({ side }) => side) };
      }
      default:
        throw new Error(`a plan to ${plan.do}: ${JSON.stringify(plan)}`);
    }
  }

  dropActedOn(before: Link, after: Link): void {
    const open = after.conflicts.map(({ row }) => row);
    const closed = before.conflicts.map(({ row }) => row).filter((row) => !open.includes(row));
    this.decisions = this.decisions.filter((each) => !('row' in each) || !closed.includes(each.row));
  }

  /** See `WriteRecovery.adopt`. */
  adopt(link: Link, found: SyncRecord): void {
    const { side } = found.ref;
    const other = otherSide(side);
    const origin = this.store.observations[other];
    const seen = link.intent?.seen[other] ?? (origin && seenVersion(origin));
    if (!seen) throw new Error("the pair's origin was never seen");
    this.store.keep(found);
    this.wasMade = true;
    this.isUnmet = true;
    const abandoned = withoutNotTaken(abandonIntent(link));
    this.store.save({
      ...abandoned,
      snapshot: null,
      sides: {
        ...link.sides,
        [other]: { ...seen, residue: {}, backRef: false },
        [side]: { ...seenVersion(found), residue: {}, backRef: true, made: true },
      },
    });
  }

  commit(told: Parameters<typeof commit>[0]): Link {
    this.noteMeeting();
    return this.store.save(commit(told, NOW));
  }

  private noteMeeting(): void {
    if (this.isUnmet) this.metAt = this.systems.at;
    if (this.isLost) this.linksBackAt = this.systems.at;
    this.isUnmet = false;
    this.isLost = false;
  }
}

type Step = { next: 'rest' } | { next: 'read'; side: Side } | { next: 'write'; sides: Side[] };

function withFindings(link: Link, { overruling }: { overruling?: Overruling }): Link {
  return overruling ? withOverruled(link, overruling) : link;
}

function withSources(intent: Intent, { intent: before }: Link, observed: SyncRecord[]): Intent {
  if (intent.id === before?.id) return intent;
  return {
    ...intent,
    takenIn: Object.fromEntries(observed.map((each) => [refKey(each.ref), digestOf(each)])),
  };
}
