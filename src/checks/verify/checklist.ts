import {
  redactionReaches,
  writesTo,
  type EntityMapping,
  type Mapping,
  type PropertyRow,
} from '../../sync/mapping';
import { ENTITY_TYPES, SIDES, otherSide, type Side } from '../../sync/record';
import type { PmsView } from './publicApi';
import { factOf } from './facts';
import { type Check, type Line } from './checklistLine';
import { refusedRows } from './refusedRows';

/** Builds the checklist from the mapping: its lines, and for lines that cannot be checked the reason. */

export const NAMES: Record<Side, string> = { zendesk: 'Zendesk', pms: 'PMS' };

/** Optional abilities of a PMS. */
type Traits = Pick<PmsView, 'keepsFiles' | 'tellsEdits'>;
const ALL: Traits = { keepsFiles: () => true, tellsEdits: () => true };

export function checklist(mapping: Mapping, pms: Traits = ALL): Line[] {
  return ENTITY_TYPES.flatMap((type) => {
    const table = mapping.entities[type];
    const mode = type === 'CommentToProject' ? mapping.commentMode : null;
    const lines = new Lines(table, mode, pms);
    return [
      ...lines.ofPairs(),
      ...table.rows.flatMap((row) => SIDES.flatMap((from) => lines.ofRow(row, from))),
      ...lines.ofRefusals(),
      ...(mode === null ? [] : lines.ofComments()),
    ];
  });
}

/** Whether an edit on `from` becomes a separate comment or note, because the other side cannot change the value. */
export function isFollowedUp(row: PropertyRow, from: Side): boolean {
  return row.fixed?.side === otherSide(from) && row.fixed.onEdit === 'followUp';
}

/** A two-way text row, to test that edits of a counterpart come back; undefined if the mapping has none. */
export function keptRow(table: EntityMapping): PropertyRow | undefined {
  return table.rows.find(
    (row) =>
      row.direction === 'both' &&
      row.write === 'always' &&
      row.fixed === null &&
      ['string', 'text'].includes(row.type) &&
      SIDES.every((side) => {
        const fact = factOf(side, table.kind[side], row[side] ?? '');
        return fact.system === undefined && fact.fixed === undefined;
      }),
  );
}

class Lines {
  constructor(
    private readonly table: EntityMapping,
    private readonly mode: Line['mode'],
    private readonly pms: Traits,
  ) {}

  ofPairs(): Line[] {
    const { table, mode } = this;
    return SIDES.flatMap((from) => {
      const { from: one, to: other } = this.kinds(from);
      const subject = `${one} → ${other}`;
      const lines = [
        this.line(null, from, 'pair', { subject, what: `a new ${one} gets exactly one ${other}` }),
      ];
      if (mode !== null) return lines;
      const row = keptRow(table);
      const what = `an edit of that ${other} comes back to the ${one}`;
      const cannot = row ? null : 'the mapping has no text that goes both ways';
      return [...lines, this.line(null, from, 'keep', { subject, what, cannot })];
    });
  }

  ofRow(row: PropertyRow, from: Side): Line[] {
    const to = otherSide(from);
    if (!writesTo(row, to)) return [];
    const subject = `${row[from] ?? '—'} → ${row[to] ?? '—'}`;
    const line = (check: Check, what: string, cannot: string | null) =>
      this.line(row, from, check, { subject, what, cannot });
    if (row.transform.kind === 'constant' || row.transform.kind === 'template') {
      return [line('create', `set by the mapping: ${row.transform.kind}`, null)];
    }
    const lines = [
      line('create', 'a new record brings it', this.cannotCreate(row, from)),
      line(
        'edit',
        isFollowedUp(row, from) ? 'an edit becomes a follow-up' : 'an edit arrives',
        this.cannotEdit(row, from),
      ),
      line(
        'clear',
        isFollowedUp(row, from)
          ? 'emptying becomes a follow-up'
          : row.default === undefined
            ? 'emptied'
            : `emptied: ${JSON.stringify(row.default)}`,
        this.cannotClear(row, from),
      ),
    ];
    if (row.write === 'always' && row.direction !== 'both')
      lines.push(line('putBack', `an edit in ${article(to)} is reverted`, this.cannotPutBack(row, to)));
    if (row.write === 'always' && row.fixed?.side === to && row.fixed.onEdit === 'overrule')
      lines.push(line('putBack', `an edit that ${article(to)} cannot take is reverted`, this.silent(from)));
    return lines;
  }

  /** Lines for PMS values that Zendesk refuses. */
  ofRefusals(): Line[] {
    return Object.entries(refusedRows(this.table)).map(([check, { row, asked, what }]) => {
      const cannot = asked === undefined ? 'the table has no value for it' : null;
      const subject = `${row.pms} → ${row.zendesk}`;
      return this.line(row, 'pms', check as Check, { subject, what, cannot });
    });
  }

  /** Lines for comments: files, redaction and visibility. */
  ofComments(): Line[] {
    const { table } = this;
    const lines: Line[] = [];
    for (const from of SIDES) {
      const to = otherSide(from);
      const add = (check: Check, subject: string, what: string, cannot: string | null = null) =>
        void lines.push(this.line(null, from, check, { subject, what, cannot }));
      const noFiles = this.pms.keepsFiles(table.kind.pms)
        ? null
        : `the PMS keeps no files of a ${table.kind.pms}`;
      add('file', 'file → file', 'a file arrives, byte for byte', noFiles);
      const repeats = redactionReaches(table, to)
        ? null
        : `the mapping repeats redactions otherwise (onRedact: ${table.onRedact})`;
      const inProject = from === 'pms' && table.kind.pms === 'project';
      const noRedaction = inProject ? 'a project has no redaction' : null;
      add('redact', 'redaction → redaction', 'all of it is redacted', noRedaction ?? repeats);
      add(
        'redactFile',
        'redaction of a file → the file',
        'a redacted file goes',
        noFiles ??
          (from === 'pms'
            ? 'a file that is removed in the PMS stays in Zendesk (docs/comments.md)'
            : repeats),
      );
    }
    if (!table.rows.some((row) => row.zendesk === 'public' && writesTo(row, 'zendesk')))
      lines.push(
        this.line(null, 'pms', 'internal', {
          subject: '— → public',
          what: 'the comment is internal, as no row says otherwise',
        }),
      );
    return lines;
  }

  private line(
    row: PropertyRow | null,
    from: Side,
    check: Check,
    { subject, what, cannot = null }: { subject: string; what: string; cannot?: string | null },
  ): Line {
    const { entity } = this.table;
    const about = row?.id ?? '*';
    const at = this.mode === null ? entity : `${entity}.${this.mode}`;
    const id = `${at}/${about}/${from}-${otherSide(from)}/${check}`;
    return { id, entity, mode: this.mode, row: row?.id ?? null, subject, from, check, what, cannot };
  }

  private cannotCreate(row: PropertyRow, from: Side): string | null {
    const property = row[from];
    if (property === null) return `the row names no ${NAMES[from]} property`;
    return null;
  }

  private cannotEdit(row: PropertyRow, from: Side): string | null {
    if (row.write === 'create') return 'set once, when the counterpart is created (write: create)';
    const { system, fixed } = this.fact(row, from);
    if (system !== undefined) return `${system}; nobody can change it`;
    if (fixed !== undefined) return fixed;
    const silent = this.silent(from);
    if (silent !== null) return silent;
    if (
      row.fixed?.side === otherSide(from) &&
      row.fixed.onEdit === 'overrule' &&
      row.fixed.except.length === 0
    )
      return 'the mapping reverts every edit (onEdit: overrule)';
    const { fixed: onTarget } = this.fact(row, otherSide(from));
    const isHandled = row.fixed?.side === otherSide(from);
    return onTarget !== undefined && !isHandled ? onTarget : null;
  }

  private cannotClear(row: PropertyRow, from: Side): string | null {
    const cannotEdit = this.cannotEdit(row, from);
    if (cannotEdit !== null) return cannotEdit;
    if (row.type === 'boolean') return 'true or false, never empty';
    if (row.fixed?.side === otherSide(from) && row.fixed.onEdit === 'overrule')
      return 'the mapping reverts it (onEdit: overrule)';
    const { required } = this.fact(row, from);
    if (required !== undefined) return required;
    if (row.default !== undefined || isFollowedUp(row, from)) return null;
    return this.fact(row, otherSide(from)).required ?? null;
  }

  private cannotPutBack(row: PropertyRow, to: Side): string | null {
    const { system, fixed } = this.fact(row, to);
    return system ?? fixed ?? this.silent(to);
  }

  /** The reason why the sync does not see edits on a side. */
  private silent(side: Side): string | null {
    const { pms } = this.table.kind;
    if (side === 'zendesk' || this.pms.tellsEdits(pms)) return null;
    return `the PMS does not report edits of a ${pms}; only the reconcile finds them`;
  }

  private fact(row: PropertyRow, side: Side) {
    return factOf(side, this.table.kind[side], row[side] ?? '');
  }

  private kinds(from: Side): { from: string; to: string } {
    const { kind } = this.table;
    return { from: kind[from], to: kind[otherSide(from)] };
  }
}

function article(side: Side): string {
  return side === 'pms' ? 'the PMS' : 'Zendesk';
}
