import { givenTicketFields, withValues } from '../fields/fieldValues';
import type { Ticket, User } from '../model';
import { invalid } from '../refusal';
import { checkSubject } from '../rules/sizes';
import { dueAtOf } from '../rules/dueAt';
import { setFields, setTags, type Tagged } from '../rules/optionTags';
import { checkSolvable } from '../rules/requiredOnSolve';
import { organizationOf } from '../rules/requesterOrganization';
import { requesterOf, type Requester } from '../rules/requester';
import { checkStatus } from '../rules/statusChange';
import type { Store } from '../store';
import { normaliseTags } from '../text';
import { plain, type TicketBody } from './ticketBody';

export interface ApplyOptions {
  created?: boolean;
  /** Whether `additional_tags` and `remove_tags` count: with `update_many?ids=` and the tag endpoints. */
  tagKeys?: boolean;
  /** A change by a business rule, for which required fields are not checked. */
  byRule?: boolean;
}

/** Computes a ticket's values after a request, without storing them. @throws Refusal 422 */
export class TicketValues {
  constructor(private readonly store: Store) {}

  apply(before: Ticket, fields: TicketBody, options: ApplyOptions = {}): Ticket {
    const { created = false, byRule = false } = options;
    const { rules } = this.store;
    const after: Ticket = { ...before };
    const requester = requesterOf(this.store, fields, created);
    if (fields.subject !== undefined) after.subject = checkSubject(fields.subject, rules);
    after['raw_subject'] = after.subject;
    for (const key of Object.keys(plain)) if (fields[key] !== undefined) after[key] = fields[key];
    this.applyPriority(after, fields, created);
    after['due_at'] = dueAtOf(after, fields, rules);
    this.applyStatus(before, after, fields, created);
    if (requester) after.requester_id = requester.id;
    after.organization_id = organizationOf(
      this.store,
      before,
      after,
      fields.organization_id,
      requester?.user,
    );
    this.applyReferences(after, fields);
    this.applyTags(after, fields, options);
    if (created && rules.inheritedTags) this.inherit(after, requester?.user);
    if (!byRule) checkSolvable(this.store, before, after);
    // Last, after all checks, because it may create a person.
    return { ...after, requester_id: requester ? made(requester) : after.requester_id };
  }

  /** A ticket's fields and tags for new tags; the two depend on each other (rule 13). */
  withTags(ticket: Ticket, tags: string[]): Pick<Ticket, 'tags' | 'custom_fields'> {
    const before = { tags: ticket.tags, values: ticket.custom_fields };
    if (!this.store.rules.optionTags) return { tags, custom_fields: ticket.custom_fields };
    const { values, ...rest } = setTags(this.store.ticketFields.active(), before, tags);
    return { ...rest, custom_fields: values };
  }

  /** [R CSA] Refuses to empty a priority, by `details.priority`. */
  private applyPriority(after: Ticket, { priority }: TicketBody, created: boolean): void {
    if (priority === undefined) return;
    const emptied = priority === null && after['priority'] !== null && !created;
    if (emptied && this.store.rules.priorityStays)
      throw invalid('priority', 'Priority: cannot be reset', 'InvalidValue');
    after['priority'] = priority;
  }

  private applyStatus(
    before: Ticket,
    after: Ticket,
    { status, custom_status_id: custom }: TicketBody,
    created: boolean,
  ): void {
    if (custom !== undefined) {
      const known = this.store.customStatuses.find(custom);
      if (!known) throw invalid('custom_status_id', 'Custom status: is not valid', 'InvalidValue');
      after.status = known.status_category;
      after.custom_status_id = custom;
    }
    if (status !== undefined)
      after.status = created ? status : checkStatus(before.status, status, this.store.rules);
  }

  private applyReferences(after: Ticket, fields: TicketBody): void {
    if (fields.group_id !== undefined) {
      if (fields.group_id !== null && !this.store.groups.some((group) => group.id === fields.group_id))
        throw invalid('group', 'Group: is not valid', 'InvalidValue');
      after['group_id'] = fields.group_id;
    }
    if (fields.submitter_id != null && !this.store.users.has(fields.submitter_id))
      throw invalid('submitter', 'Submitter: is not valid', 'InvalidValue');
    const assignee = this.assigneeOf(fields);
    if (assignee === undefined) return;
    if (assignee !== null && !this.store.isAgent(assignee))
      throw invalid('assignee', 'Assignee: is not an agent', 'InvalidValue');
    after.assignee_id = assignee;
    // Rule 19 [R CSA]: assigning a new ticket opens it.
    if (assignee !== null && after.status === 'new' && fields.status === undefined) after.status = 'open';
  }

  private assigneeOf({
    assignee_id: assignee,
    assignee_email: email,
  }: TicketBody): number | null | undefined {
    if (email === undefined) return assignee;
    return email === null ? null : (this.store.userByEmail.get(email.toLowerCase())?.id ?? -1);
  }

  /** It is not documented which of two contradicting settings of tags applies first (rule 55). */
  private applyTags(after: Ticket, given: TicketBody, { tagKeys = false }: ApplyOptions): void {
    const { rules, ticketFields } = this.store;
    const active = ticketFields.active();
    const tags = tagsOfBody(after.tags, given, tagKeys || rules.tagKeysInPut === 'taken');
    const values = given.custom_fields && givenTicketFields(active, given.custom_fields, rules);
    let now: Tagged = { tags: after.tags, values: after.custom_fields };
    if (!rules.optionTags)
      now = { tags: tags ?? now.tags, values: values ? withValues(now.values, values) : now.values };
    else {
      const steps = [
        (each: Tagged) => (tags ? setTags(active, each, tags) : each),
        (each: Tagged) => (values ? setFields(active, each, values) : each),
      ];
      if (rules.tagsAgainstField === 'tagsWin') steps.reverse();
      now = steps.reduce((each, step) => step(each), now);
    }
    after.tags = now.tags;
    after.custom_fields = now.values;
  }

  /** Rule 14 (AF; H:203662006): the requester's tags, and those of the organization that the ticket has. */
  private inherit(after: Ticket, requester: User | undefined): void {
    const organization = this.store.organizations.get(after.organization_id ?? 0);
    const tags = [...((requester?.['tags'] ?? []) as string[]), ...(organization?.tags ?? [])];
    if (tags.length > 0) Object.assign(after, this.withTags(after, normaliseTags([...after.tags, ...tags])));
  }
}

const made = ({ id, make }: Requester): number | null => make?.() ?? id;

/** The tags by a request; null if the request does not set them. */
function tagsOfBody(before: readonly string[], given: TicketBody, withKeys: boolean): string[] | null {
  const { tags, additional_tags: added, remove_tags: removed } = given;
  if (!tags && !(withKeys && (added ?? removed))) return null;
  const gone = new Set(withKeys && removed ? normaliseTags(removed) : []);
  const all = normaliseTags([...(tags ?? before), ...((withKeys && added) || [])]);
  return all.filter((tag) => !gone.has(tag));
}
