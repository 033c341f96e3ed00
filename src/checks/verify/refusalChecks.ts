import { canonicalKey, type CanonicalKey } from '../../sync/canonicalKey';
import type { EntityMapping, PropertyRow } from '../../sync/mapping';
import type { Json, Side, Values } from '../../sync/record';
import { textOf } from '../../sync/values';
import { Lane, failed, type Tools } from './checkLane';
import { keptRow } from './checklist';
import type { Check, Line } from './checklistLine';
import { missingWords } from './linkReasons';
import { refusedRows, type RefusedRow } from './refusedRows';
import { outcomeOf, type Attempt, type Ends } from './triedPair';
import { watch } from './watch';

/** An expectation about a refused value that was not fulfilled. */
class Unmet extends Error {
  constructor(
    reason: string,
    readonly found: Json = null,
    readonly status: Attempt['status'] = 'failed',
  ) {
    super(reason);
  }
}

/** Checks how the sync handles a PMS value that Zendesk refuses. */
export class RefusalChecks {
  constructor(
    private readonly tools: Tools,
    private readonly table: EntityMapping,
  ) {}

  async run(): Promise<void> {
    for (const [check, refused] of Object.entries(refusedRows(this.table))) {
      const line = this.tools.recorder.line(this.table.entity, refused.row.id, 'pms', check as Check);
      if (line) await this.check(line, refused);
    }
  }

  private async check(line: Line, { row, asked = null }: RefusedRow): Promise<void> {
    const { recorder } = this.tools;
    const kept = keptRow(this.table);
    const first = row.transform.kind === 'enum' ? [...row.transform.toZendesk.keys()] : [];
    const begin = line.check === 'notTaken' ? { [row.pms ?? '']: first[0] ?? null } : {};
    const made = await new Lane(this.tools, this.table, 'pms', [], null).make(begin);
    if (!('pair' in made)) {
      recorder.set(line, outcomeOf(null, [failed(made.reason)], null));
      return;
    }
    const { ends } = made.pair;
    const at = Date.now();
    const attempt: Attempt = {
      status: 'passed',
      reason: null,
      written: asked,
      found: undefined,
      seconds: null,
    };
    try {
      if (!kept) throw new Unmet('the mapping has no text that goes both ways', null, 'not checked');
      await this.goesOn(ends, row, kept, asked);
      attempt.reason = await this.reason(ends, row);
      attempt.found =
        line.check === 'notTaken'
          ? await this.anotherValue(ends, row, first)
          : await this.assigned(ends, row);
      attempt.seconds = (Date.now() - at) / 1000;
    } catch (error) {
      if (!(error instanceof Unmet)) throw error;
      Object.assign(attempt, { status: error.status, reason: error.message, found: error.found });
    }
    recorder.set(line, outcomeOf(ends, [attempt], null));
  }

  /** Writes a refused value and a text together: the text must arrive, and each side must keep its own value. */
  private async goesOn(ends: Ends, row: PropertyRow, kept: PropertyRow, asked: string | null): Promise<void> {
    const { apis, world } = this.tools;
    const before = (await this.values('zendesk', ends))[row.zendesk ?? ''] ?? null;
    const words = `${world.tag} goes on ${world.next()}`;
    await apis.pms.edit(ends.kind.pms, ends.ids.pms, { [row.pms ?? '']: asked, [kept.pms ?? '']: words });
    await this.until('the text beside it is not there', ends, 'zendesk', kept, words);
    const [zendesk, pms] = [await this.values('zendesk', ends), await this.values('pms', ends)];
    const now = zendesk[row.zendesk ?? ''] ?? null;
    if (now !== before) throw new Unmet('Zendesk took it: there is nothing to refuse', now, 'not checked');
    const stays = pms[row.pms ?? ''] ?? null;
    if (stays !== asked) throw new Unmet('the PMS was changed back', stays);
  }

  private async reason(ends: Ends, row: PropertyRow): Promise<string | null> {
    const { reasons } = this.tools;
    if (!reasons) return 'the link store was not asked for the reason';
    const key = this.keyOf(ends);
    const look = async () => {
      const words = await reasons.notTaken(key, row.id);
      return new Map([['reason', { arrived: words !== null && words !== '', found: words }]]);
    };
    const found = (await watch({ wanted: ['reason'] }, look, this.tools.patience)).get('reason');
    if (!found?.arrived) throw new Unmet('the link does not say why');
    return `the link says: ${textOf(found.found ?? '')}`;
  }

  /** If the value itself was refused, another value must arrive. */
  private async anotherValue(ends: Ends, row: PropertyRow, values: readonly string[]): Promise<Json> {
    const next = values[1] ?? values[0] ?? null;
    await this.tools.apis.pms.edit(ends.kind.pms, ends.ids.pms, { [row.pms ?? '']: next });
    const wanted = row.transform.kind === 'enum' ? (row.transform.toZendesk.get(next ?? '') ?? null) : next;
    return this.until('another value is not offered', ends, 'zendesk', row, wanted);
  }

  /** If another property caused the refusal, the value must arrive once that property has changed. */
  private async assigned(ends: Ends, row: PropertyRow): Promise<Json> {
    const { apis, world } = this.tools;
    const [agent] = world.agents;
    if (agent === undefined) throw new Unmet('both systems know no agent', null, 'not checked');
    await apis.zendesk.edit(ends.kind.zendesk, ends.ids.zendesk, { assignee: agent });
    return this.until('it is not offered again', ends, 'zendesk', row, 'solved');
  }

  /** @throws Unmet if the value does not arrive in time */
  private async until(
    otherwise: string,
    ends: Ends,
    side: Side,
    row: PropertyRow,
    wanted: Json,
  ): Promise<Json> {
    const look = async () => {
      const found = (await this.values(side, ends))[row[side] ?? ''] ?? null;
      return new Map([['value', { arrived: found === wanted, found }]]);
    };
    const seen = (await watch({ wanted: ['value'] }, look, this.tools.patience)).get('value');
    if (seen?.arrived) return wanted;
    const hold = (await this.tools.reasons?.held(this.keyOf(ends), row.id)) ?? null;
    const late = `${otherwise} after ${Math.round(seen?.seconds ?? 0)} s`;
    throw new Unmet(hold === null ? late : `${otherwise}: ${missingWords(hold, 0)}`, seen?.found);
  }

  /** All of these pairs begin in the PMS. */
  private keyOf({ kind, ids }: Ends): CanonicalKey {
    return canonicalKey(this.table.entity, { side: 'pms', kind: kind.pms, id: ids.pms });
  }

  private async values(side: Side, { kind, ids }: Ends): Promise<Values> {
    return (await this.tools.apis[side].read(kind[side], ids[side]))?.values ?? {};
  }
}
