import { TICKET_FIELDS, type Organization, type User, type ZendeskSandbox } from 'zendesk-sandbox';
import { CUSTOM_FIELDS, CUSTOM_FIELD_NAMES, activeField, type CustomField } from './customFields';

/** The actions of administrators of a Zendesk account: they change fields, tags of options, and people. */
export class Administrators {
  /** The deleted fields, by id. The values of records in them are lost. */
  readonly removedFields = new Map<number, CustomField>();
  /** Options whose tag was changed, and when. A ticket with the old tag no longer has the option. */
  readonly renamedOptions: { value: string; at: string }[] = [];
  /** The number of changes to fields. */
  changes = 0;

  constructor(private readonly zendesk: ZendeskSandbox) {}

  /** Deactivates a field; an inactive one becomes active again. */
  toggle(field: CustomField): void {
    this.changes += 1;
    const { ticketFields } = this.zendesk.store;
    const { title } = CUSTOM_FIELDS[field];
    const found = ticketFields.list().find((each) => each.title === title);
    if (found) ticketFields.change(found.id, { active: !found.active });
  }

  /** Deletes a field for good, or creates a deleted field again, with another id. */
  replace(field: CustomField): void {
    this.changes += 1;
    const { ticketFields } = this.zendesk.store;
    const { title } = CUSTOM_FIELDS[field];
    const found = ticketFields.list().find((each) => each.title === title);
    if (found) {
      this.removedFields.set(found.id, field);
      ticketFields.remove(found.id);
      return;
    }
    const made = TICKET_FIELDS.find((each) => each.title === title);
    if (!made) throw new Error(`the sandbox has no field ${title}`);
    ticketFields.add({
      type: made.type,
      title,
      ...(made.tag !== undefined && { tag: made.tag }),
      ...(made.options.length > 0 && {
        custom_field_options: made.options.map((value) => ({ name: value.toUpperCase(), value })),
      }),
    });
  }

  /** Changes the tag of the drop-down's first option, or restores it. */
  renameOption(): void {
    this.changes += 1;
    const id = activeField({ zendesk: this.zendesk }, 'severity');
    if (id === undefined) return;
    const { ticketFields } = this.zendesk.store;
    const options = ticketFields.get(id).options.map(({ id: option, name, value }, n) => {
      if (n > 0) return { id: option, name, value };
      this.renamedOptions.push({ value, at: new Date().toISOString() });
      return { id: option, name, value: value === 's1' ? 's1_old' : 's1' };
    });
    ticketFields.change(id, { custom_field_options: options });
  }

  /** Changes an agent to an end user, or back. */
  changeRole(user: User): void {
    const role = user.role === 'end-user' ? 'agent' : 'end-user';
    this.zendesk.users.update(user.id, { role });
  }

  /** The person joins the organization, or leaves it. */
  changeMembership(user: User, organization: Organization): void {
    const { memberships } = this.zendesk.store;
    const [known] = memberships.list({ userId: user.id, organizationId: organization.id });
    if (known) this.zendesk.users.reorganize(user.id, memberships.remove(known.id));
    else memberships.add(user.id, organization.id);
  }

  /** Restores all fields and their options. */
  putRight(): void {
    for (const field of CUSTOM_FIELD_NAMES) {
      const { title } = CUSTOM_FIELDS[field];
      const found = this.zendesk.store.ticketFields.list().find((each) => each.title === title);
      if (!found) this.replace(field);
      else if (!found.active) this.toggle(field);
    }
    const severity = activeField({ zendesk: this.zendesk }, 'severity');
    const first = this.zendesk.store.ticketFields.find(severity ?? 0)?.options[0];
    if (first?.value === 's1_old') this.renameOption();
  }
}
