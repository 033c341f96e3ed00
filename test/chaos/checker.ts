import type { Problem } from '../../apps/demo/agreementReport';
import { checkAgreement } from '../../apps/demo/checker';
import { SIDES, comparable, customValue, type EditEntry, type RandomPeople, type Side } from 'testkit';
import { TICKET_FIELDS } from 'zendesk-sandbox';
import { checkCustomFields } from './customFieldCheck';
import { SYNC_USERS } from './syncUsers';
import type { LinkDocument } from './linkDocument';
import type { World } from './world';

/**
 * Checks at rest whether anything was lost or duplicated. It reads both systems and the link documents, and shares no
 * code with the sync.
 */

/** Rows of the mapping that only a person decides; see `chaosMapping`. */
const MANUAL_ROWS = ['notes'];
/** Administrators deactivate, delete and rename the fields of these tags. */
const ORIGINAL_FIELD_TAGS = TICKET_FIELDS.flatMap(({ tag, options }) => [...options, ...(tag ? [tag] : [])]);
const FOLLOW_UP_MARK = 'zps_follow_up';
/** What Zendesk shows instead of redacted words. */
const BLACK = '▇';

/** @returns one line for each violation */
export async function findViolations(
  world: World,
  people: RandomPeople,
  access: CheckerAccess,
): Promise<string[]> {
  return new Check(world, people, { links: await world.links(), made: await world.made() }, access).run();
}

export interface CheckerAccess {
  zendesk: { url: string; token: string };
  pms: { url: string; token: string };
}

class Check {
  private readonly violations: string[] = [];
  private readonly linkOf = new Map<string, LinkDocument>();
  /** Edits by people, and values replaced by restored backups. */
  private readonly edits: readonly EditEntry[];
  private readonly links: LinkDocument[];
  /** Records whose create by the sync was confirmed. */
  private readonly confirmed: ReadonlySet<string>;

  constructor(
    private readonly world: World,
    private readonly people: RandomPeople,
    { links, made }: { links: LinkDocument[]; made: ReadonlySet<string> },
    private readonly access: CheckerAccess,
  ) {
    this.links = links;
    this.confirmed = made;
    this.edits = [...people.journal.edits, ...world.afterwards.putBack];
    for (const link of links) {
      const { origin } = partsOf(link);
      if (!this.linkOf.has(origin)) this.linkOf.set(origin, link);
      for (const side of SIDES) if (link.sides[side]) this.linkOf.set(link.sides[side].ref, link);
    }
  }

  async run(): Promise<string[]> {
    for (const link of this.links) this.checkLink(link);
    await this.checkAgreement();
    for (const edit of this.edits) this.checkEdit(edit);
    this.checkComments();
    this.checkFiles();
    this.checkCreations();
    this.checkLeaks();
    this.checkFields();
    for (const id of await this.world.failedWorkflows())
      if (!this.world.afterwards.isRefusedPoll(id)) this.violations.push(`workflow failed: ${id}`);
    return this.violations;
  }

  /** A link that is not `linked` must have a true reason. */
  private checkLink(link: LinkDocument): void {
    const why = this.whatIsWrong(link);
    if (why !== null)
      this.violations.push(
        `${link._id} is ${link.status} (${link.reason?.code ?? '—'}: ${link.reason?.text ?? '—'}): ${why}`,
      );
  }

  private whatIsWrong(link: LinkDocument): string | null {
    if (link.intent !== null) return 'its intent was never finished';
    const refs = SIDES.flatMap((side) => link.sides[side]?.ref ?? []);
    const { origin } = partsOf(link);
    const dead = [origin, ...refs].filter((ref) => !this.isLive(ref));
    switch (link.status) {
      case 'linked':
        return dead.every((ref) => this.endedWithItsParent(ref))
          ? null
          : `but ${dead.join(', ')} was deleted`;
      case 'tombstone':
        return dead.length > 0 || [origin, ...refs].some((ref) => this.isRedacted(ref))
          ? null
          : `but ${[origin, ...refs].join(', ')} exist`;
      case 'pending': {
        const linked = link.waitsFor.filter(
          (ref) => this.isLive(ref) && hasBothRecords(this.linkOf.get(ref)),
        );
        if (link.waitsFor.length === 0 || !link.reason) return 'it names no record to wait for';
        return linked.length === link.waitsFor.length ? `but ${linked.join(', ')} is linked` : null;
      }
      case 'conflict': {
        if (dead.length > 0) return `but ${dead.join(', ')} was deleted`;
        if (this.world.afterwards.isUnseenMatch(link, this.world.trace)) return null;
        const parked = link.conflicts.map(({ row }) => row);
        return parked.length > 0 && parked.every((row) => MANUAL_ROWS.includes(row))
          ? null
          : 'a person has nothing to decide';
      }
      case 'quarantined':
        return this.isClosed(link) ? null : 'it could be synced';
      default:
        return 'the status is unknown';
    }
  }

  /** Whether a note was redacted, or nothing is left of a comment's text and files. */
  private isRedacted(ref: string): boolean {
    const { redacted, body, attachments = [] } = this.record(ref) ?? {};
    const isBlack =
      typeof body === 'string' && body.includes(BLACK) && body.replaceAll(BLACK, '').trim() === '';
    const files = attachments as readonly { file_name?: string }[];
    return redacted === true || (isBlack && files.every((file) => file.file_name === 'redacted.txt'));
  }

  /** A comment on a deleted ticket or project stays unchanged; its link states why the pair ended. */
  private endedWithItsParent(ref: string): boolean {
    const record = this.record(ref);
    if (record === null) return false;
    const parent = ref.startsWith('pms:note:')
      ? `pms:project:${String(record['projectId'])}`
      : /^zendesk:comment:(\d+)/.exec(ref)?.[0].replace('comment', 'ticket');
    if (parent === undefined || this.isLive(parent)) return false;
    // A rebuilt link store does not know a pair whose record was deleted.
    return this.linkOf.get(parent)?.status === 'tombstone' || this.world.afterwards.isForgotten(parent);
  }

  /** Records that have no counterpart, or another one, for a valid reason; with the reason of each link. */
  private waiting(): Map<string, string> {
    const waiting = new Map<string, string>();
    for (const link of this.links) {
      const isLinked = link.status === 'linked' || link.status === 'conflict';
      if (isLinked && !this.world.afterwards.isUnseenMatch(link, this.world.trace)) continue;
      const { origin } = partsOf(link);
      for (const ref of [origin, ...SIDES.flatMap((side) => link.sides[side]?.ref ?? [])])
        waiting.set(ref, `${link.status}: ${link.reason?.text ?? ''}`);
    }
    // A note that was redacted before its pair began has ended, even if it was edited since.
    for (const { id, redacted } of this.world.pms.store.all('note'))
      if (redacted === true && !this.linkOf.has(`pms:note:${id}`))
        waiting.set(`pms:note:${id}`, 'redacted before its pair began');
    for (const refs of this.world.afterwards.lostPairs)
      if (!refs.some((ref) => this.linkOf.has(ref)) && refs.some((ref) => this.record(ref) === null))
        for (const ref of refs) waiting.set(ref, 'the link that knew the end of its pair was lost');
    return waiting;
  }

  private async checkAgreement(): Promise<void> {
    const waiting = this.waiting();
    const links = this.links.flatMap(({ status, sides: { zendesk, pms } }) =>
      status !== 'tombstone' && zendesk && pms ? [{ zendesk: zendesk.ref, pms: pms.ref }] : [],
    );
    const stated = this.links.flatMap(({ sides, notTaken }) =>
      sides.zendesk && notTaken ? [[sides.zendesk.ref, notTaken] as const] : [],
    );
    const report = await checkAgreement({
      ...{ ...this.access, waiting, links },
      notTaken: new Map(stated),
      formerFieldTags: ORIGINAL_FIELD_TAGS,
    });
    for (const problem of report.problems)
      if (
        !this.isParked(problem) &&
        !this.isSamePair(problem) &&
        !this.isLeftApart(problem) &&
        !this.belongsToEndedRecord(problem)
      )
        this.violations.push(
          `${problem.kind}: ${problem.zendesk ?? '—'} ↔ ${problem.pms ?? '—'}: ${problem.text}`,
        );
  }

  /** Both texts differ because of {@link staysApart}. */
  private isLeftApart({ kind, zendesk, pms }: Problem): boolean {
    const edits = this.edits.filter(({ ref, property }) => ref === pms && property === 'description');
    return kind === 'differs' && zendesk != null && edits.some((edit) => this.staysApart(edit, zendesk));
  }

  /**
   * If the links were lost before an edit of a text was carried, and Zendesk's text was redacted, both texts stay as
   * they are: a follow-up could say the redacted words (docs/cli.md, `links rebuild`).
   */
  private staysApart({ at }: EditEntry, zendesk: string): boolean {
    return at < this.world.afterwards.linksBackAt && JSON.stringify(this.record(zendesk)).includes(BLACK);
  }

  /** Whether either record, or its counterpart, belongs to a deleted record. */
  private belongsToEndedRecord({ zendesk, pms }: Problem): boolean {
    const named = [zendesk, pms].flatMap((ref) => ref ?? []);
    const sides = named.map((ref) => this.linkOf.get(ref)?.sides);
    return [...named, ...sides.flatMap((side) => SIDES.flatMap((each) => side?.[each]?.ref ?? []))].some(
      (ref) => this.endedWithItsParent(ref),
    );
  }

  /** Both values of a parked row are unchanged. */
  private isParked({ kind, zendesk, property }: Problem): boolean {
    const link = this.linkOf.get(zendesk ?? '');
    return kind === 'differs' && link?.conflicts.some(({ row }) => row === property) === true;
  }

  /** Whether both refer to one pair whose other record is archived, and therefore in no list. */
  private isSamePair({ kind, property, zendesk, zendeskValue, pmsValue }: Problem): boolean {
    const awaited = this.linkOf.get(zendesk ?? '')?.waitsFor ?? [];
    // The link states that it waits for a deleted record, or for one whose pair has ended.
    const isOver = (ref: string) => !this.isLive(ref) || this.linkOf.get(ref)?.status === 'tombstone';
    if (property === 'customer' && awaited.length > 0 && awaited.every(isOver)) return true;
    const pair = this.linkOf.get(String(zendeskValue));
    return kind === 'differs' && property === 'customer' && pair?.sides.pms?.ref === pmsValue;
  }

  /** An edit must still be on its side, or a person replaced it, or it is in the link's history. */
  private checkEdit(edit: EditEntry): void {
    const { ref, side, property, value } = edit;
    const link = this.linkOf.get(ref);
    // A cleared value cannot be searched for.
    if (value === '' || !this.isLive(ref)) return;
    if (property === 'order' && this.wentWithItsField(edit)) return;
    const now = this.editedValue(edit);
    // Zendesk itself adds a tag to a merged ticket.
    if (now === value || (property === 'tags' && now?.split(' ').includes(value))) {
      this.checkFollowUp(edit, link);
      return;
    }
    if (this.edits.some((later) => later !== edit && wasReplaced(edit, later))) return;
    // A person redacted the words.
    if (
      this.world.trace.some((entry) => entry.ref === ref && entry.what === 'redacted' && entry.at >= edit.at)
    )
      return;
    // Elements of a set are never overruled: the sets of both sides are merged.
    const mayBeOverruled = property !== 'tags' && link !== undefined && this.hasRival(edit, link);
    if (mayBeOverruled && link.history.some(({ lost }) => comparable(lost) === value)) return;
    if (link?.conflicts.some((conflict) => SIDES.some((each) => comparable(conflict[each]) === value)))
      return;
    this.violations.push(
      `lost edit: ${ref} ${property} = "${value}", made in ${side}; there is now "${now ?? '—'}", history ${JSON.stringify(link?.history.map(({ row, lost }) => `${row}: ${comparable(lost)}`) ?? null)}`,
    );
  }

  /** Zendesk deletes the values of a deleted field; those that had not arrived in the PMS are lost. */
  private wentWithItsField({ side, field }: EditEntry): boolean {
    return side === 'zendesk' && field !== undefined && this.people.administrators.removedFields.has(field);
  }

  /**
   * A declared winner applies to two edits of one property, so a single edit may not be overruled. After a loss of
   * the link store, every value that had not arrived conflicts with the older value of the other side.
   */
  private hasRival({ side, property, at }: EditEntry, link: LinkDocument): boolean {
    if (at < this.world.afterwards.linksBackAt) return true;
    return this.edits.some(
      (other) =>
        other.side !== side && other.property === property && link.sides[other.side]?.ref === other.ref,
    );
  }

  /** The sync creates a counterpart once, and not again after its deletion. */
  private checkCreations(): void {
    const made = new Map<string, string>();
    const { afterwards, trace } = this.world;
    for (const { ref, by, what, record } of trace) {
      if (!SYNC_USERS.includes(by) || !/created$/.test(what) || afterwards.vanished.has(ref)) continue;
      const { external_id: external, externalRef = external } = (record ?? {}) as Record<string, unknown>;
      if (typeof externalRef !== 'string') continue;
      const first = made.get(externalRef);
      // It was deleted for good, and the link that knew it was lost.
      const isForgotten = this.record(first ?? ref) === null && afterwards.isForgotten(first ?? ref);
      // The answer was lost, and a person deleted the record before the sync found it.
      const isUnknown = !this.isLive(first ?? ref) && !this.confirmed.has(first ?? ref);
      if (first !== undefined && !isForgotten && !isUnknown)
        this.violations.push(`duplicate: ${first} and ${ref} are both counterparts of ${externalRef}`);
      made.set(externalRef, ref);
    }
  }

  /** Internal stays internal at all times (docs/architecture.md, invariant 7). */
  private checkLeaks(): void {
    const counterpart = (ref: string): string | undefined => {
      const { sides } = this.linkOf.get(ref) ?? {};
      return sides?.[ref.startsWith('pms:') ? 'zendesk' : 'pms']?.ref;
    };
    this.violations.push(...this.world.leaks.found(SYNC_USERS, counterpart));
  }

  /** An edit that Zendesk cannot store is in exactly one follow-up. */
  private checkFollowUp(edit: EditEntry, link: LinkDocument | undefined): void {
    const { ref, property, value } = edit;
    if (property !== 'description' || !/^pms:(project|note):/.test(ref)) return;
    const other = link?.sides.zendesk?.ref;
    if (link?.status !== 'linked' || other === undefined || !this.isLive(other)) return;
    const ticketId = Number(/(\d+)/.exec(other)?.[1]);
    const found = this.commentsOf(ticketId).filter(({ text }) => text.includes(value));
    // A text from a backup gets another follow-up after the text that it replaced, or it is the ticket's own text.
    const again = this.world.afterwards.putBack.filter(
      (each) => each.ref === ref && each.property === property && each.value === value,
    );
    const least = again.length > 0 || this.staysApart(edit, other) ? 0 : 1;
    if (found.length < least || found.length > 1 + again.length)
      this.violations.push(`follow-up of ${ref} "${value}" is on ticket ${ticketId} ${found.length} times`);
  }

  private checkComments(): void {
    const { zendesk, pms } = this.world;
    const comments = [...zendesk.store.comments.keys()].flatMap((ticketId) => this.commentsOf(ticketId));
    const notes = [...pms.store.all('note')].map((note) => String(note['body']));
    const count = (side: Side, token: string) =>
      side === 'zendesk'
        ? comments.filter(({ text, followUp }) => !followUp && text.includes(token)).length
        : notes.filter((text) => text.includes(token)).length;
    for (const { token, side, redacted, ref } of this.people.journal.comments) {
      for (const on of SIDES)
        if (count(on, token) > 1)
          this.violations.push(`duplicate: ${ref} "${token}" is in ${on} ${count(on, token)} times`);
      const other = side === 'zendesk' ? 'pms' : 'zendesk';
      const link = this.linkOf.get(ref);
      if (side === 'zendesk' && redacted && link?.status === 'linked' && count(other, token) > 0)
        this.violations.push(`redacted in ${side}, but ${ref} "${token}" is still in ${other}`);
    }
  }

  /** A file that was redacted in Zendesk is in no note. */
  private checkFiles(): void {
    for (const { token, ref, isFileRedacted } of this.people.journal.comments) {
      const link = this.linkOf.get(ref);
      if (isFileRedacted !== true || link?.status !== 'linked') continue;
      const note = this.world.pms.store.find('note', link.sides.pms?.ref.split(':')[2] ?? '');
      const files = (note?.['attachments'] ?? []) as { fileName: string }[];
      if (files.some(({ fileName }) => fileName.includes(token)))
        this.violations.push(`redacted in zendesk, but the file of ${ref} is still in the PMS`);
    }
  }

  private checkFields(): void {
    const pairs = this.links.flatMap((link) => {
      const { zendesk, pms } = link.sides;
      const isTicket = link.entity === 'TicketToProject' && isSettled(link) && zendesk && pms;
      if (!isTicket || ![zendesk.ref, pms.ref].every((ref) => this.isLive(ref))) return [];
      return this.isClosed(link) ? [] : [{ link, refs: { zendesk: zendesk.ref, pms: pms.ref } }];
    });
    const isExcused = ({ conflicts, notTaken = [] }: LinkDocument, row: string) =>
      conflicts.some((each) => each.row === row) ||
      notTaken.some((each) => each.row === row && each.words !== '');
    const { administrators } = this.people;
    this.violations.push(...checkCustomFields(this.world, administrators, pairs, isExcused));
  }

  private commentsOf(ticketId: number): { text: string; followUp: boolean }[] {
    return (this.world.zendesk.store.comments.get(ticketId) ?? []).map((comment) => ({
      text: comment.body,
      followUp: FOLLOW_UP_MARK in ((comment['metadata'] as { custom?: object } | undefined)?.custom ?? {}),
    }));
  }

  /** A field that an administrator deactivated keeps its value. */
  private editedValue({ ref, property, field }: EditEntry): string | null {
    const values = this.record(ref)?.['custom_fields'] as { id: number; value: unknown }[] | undefined;
    if (field === undefined || !values) return this.valueAt(ref, property);
    return comparable(values.find(({ id }) => id === field)?.value);
  }

  private valueAt(ref: string, property: string): string | null {
    const record = this.record(ref);
    if (record !== null && property === 'order')
      return comparable(customValue(this.world, ref.startsWith('pms:') ? 'pms' : 'zendesk', record, 'order'));
    return record === null
      ? null
      : comparable(
          record[
            ZENDESK_NAMES[ref.split(':')[1] ?? '']?.[property] ??
              (ref.startsWith('pms:note') ? 'body' : property)
          ],
        );
  }

  private record(ref: string): Record<string, unknown> | null {
    const [, kind = '', id = ''] = ref.split(':');
    const { zendesk, pms } = this.world;
    switch (kind) {
      case 'organization':
        return zendesk.store.organizations.get(Number(id)) ?? null;
      case 'ticket':
        return zendesk.store.tickets.get(Number(id)) ?? null;
      case 'comment': {
        const [ticketId, commentId] = id.split('-').map(Number);
        return zendesk.store.comments.get(ticketId ?? 0)?.find((comment) => comment.id === commentId) ?? null;
      }
      case 'customer':
      case 'project':
      case 'note':
        return pms.store.find(kind, id) ?? null;
      default:
        throw new Error(`${ref}: no kind of record`);
    }
  }

  /** A comment exists as long as its ticket or project. */
  private isLive(ref: string): boolean {
    const record = this.record(ref);
    if (record === null) return false;
    if (ref.startsWith('zendesk:comment:'))
      return this.isLive(`zendesk:ticket:${ref.split(':')[2]?.split('-')[0]}`);
    if (record['status'] === 'deleted' || record['deleted_at'] != null || record['archivedAt'] != null)
      return false;
    return ref.startsWith('pms:note:') ? this.isLive(`pms:project:${String(record['projectId'])}`) : true;
  }

  /** A closed ticket cannot be changed. */
  private isClosed(link: LinkDocument): boolean {
    const refs = [...SIDES.flatMap((side) => link.sides[side]?.ref ?? []), partsOf(link).origin];
    return refs.some((ref) => {
      const ticket = /^zendesk:(?:ticket|comment):(\d+)/.exec(ref)?.[1] ?? this.ticketOfNote(ref);
      return (
        ticket !== undefined && this.world.zendesk.store.tickets.get(Number(ticket))?.status === 'closed'
      );
    });
  }

  private ticketOfNote(ref: string): string | undefined {
    if (!ref.startsWith('pms:note:')) return undefined;
    const project = this.record(ref)?.['projectId'];
    const link = this.linkOf.get(`pms:project:${String(project)}`);
    return link?.sides.zendesk?.ref.split(':')[2];
  }
}

/** Sets are merged by element, so a replaced set may have contained elements of the other side. */
function wasReplaced({ property, value }: EditEntry, { replaced }: EditEntry): boolean {
  return replaced === value || (property === 'tags' && replaced.split(' ').includes(value));
}

/** The names of properties in journals, and in records. */
const ZENDESK_NAMES: Record<string, Record<string, string>> = {
  organization: { description: 'details' },
  ticket: { title: 'subject', dueDate: 'due_at' },
};

function isSettled(link: LinkDocument | undefined): boolean {
  return link?.status === 'linked' || link?.status === 'conflict';
}

/** Whether others can refer to the pair. A pair whose match a person must choose is in conflict, and has no records. */
function hasBothRecords(link: LinkDocument | undefined): boolean {
  return isSettled(link) && SIDES.every((side) => link?.sides[side] !== undefined);
}

function partsOf(link: LinkDocument): { origin: string } {
  return { origin: link._id.slice(link._id.indexOf('/') + 1) };
}
