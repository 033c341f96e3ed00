import type { PmsSandbox } from 'pms-sandbox';
import type { User, ZendeskSandbox } from 'zendesk-sandbox';

export const SIDES = ['zendesk', 'pms'] as const;
export type Side = (typeof SIDES)[number];

/** The kind of a pair, on both sides. */
export type Kind = 'org' | 'ticket';
export const RECORD_KIND = {
  org: { zendesk: 'organization', pms: 'customer' },
  ticket: { zendesk: 'ticket', pms: 'project' },
} as const;

/** A pair, identified by the record that existed first. */
export interface Thing {
  kind: Kind;
  side: Side;
  id: string;
}

export interface SandboxPair {
  zendesk: ZendeskSandbox;
  pms: PmsSandbox;
}

/**
 * An agent and a person of the PMS who act directly inside the sandboxes, without HTTP and its faults. The sandboxes
 * refuse their actions by the same rules as other users' (`Refusal` of either sandbox).
 */
export class InsidePeople {
  readonly agent: User;
  /** Id of the person who acts in the PMS. */
  readonly person: string;

  constructor(
    private readonly systems: SandboxPair,
    who: { agent: string; person: { email: string; name: string } },
  ) {
    const agent = systems.zendesk.store.userByEmail.get(who.agent);
    if (!agent) throw new Error(`the sandbox has no agent ${who.agent}`);
    this.agent = agent;
    this.person = systems.pms.store.people.upsert(who.person).person.id;
  }

  /** @param fields under the side's names @returns the new record's id */
  create(kind: Kind, side: Side, fields: Record<string, unknown>): string {
    const { zendesk, pms } = this.systems;
    if (side === 'pms') return pms.store.create(RECORD_KIND[kind].pms, fields, this.person).id;
    if (kind === 'ticket') this.joinFor(Number(fields['requester_id'] ?? this.agent.id), fields);
    return kind === 'ticket'
      ? String(zendesk.tickets.create(fields, this.agent).ticket.id)
      : String(zendesk.organizations.create(fields, this.agent.id).id);
  }

  change(kind: Kind, side: Side, id: string, fields: Record<string, unknown>): void {
    const { zendesk, pms } = this.systems;
    if (side === 'pms') pms.store.update(RECORD_KIND[kind].pms, id, fields, undefined, this.person);
    else if (kind === 'ticket') {
      this.joinFor(zendesk.tickets.get(Number(id)).requester_id, fields);
      zendesk.tickets.update(Number(id), fields, this.agent);
    } else zendesk.organizations.update(Number(id), fields, this.agent.id);
  }

  /** Makes the requester a member of the organization first: a ticket's organization must be one of the requester's. */
  private joinFor(requester: number | null, { organization_id: given }: Record<string, unknown>): void {
    const user = this.systems.zendesk.store.users.get(requester ?? 0);
    if (user && typeof given === 'number') this.addMember(user, given);
  }

  /** Makes a person a member of an organization; Zendesk must know the person first. */
  join(email: string, organization: number): void {
    const user = this.systems.zendesk.store.userByEmail.get(email);
    if (user) this.addMember(user, organization);
  }

  private addMember({ id }: User, organization: number): void {
    const { memberships, organizations } = this.systems.zendesk.store;
    if (!organizations.has(organization) || memberships.organizationsOf(id).includes(organization)) return;
    memberships.add(id, organization);
  }

  read(kind: Kind, side: Side, id: string): Record<string, unknown> {
    const { zendesk, pms } = this.systems;
    if (side === 'pms') return { ...pms.store.get(RECORD_KIND[kind].pms, id) };
    return kind === 'ticket'
      ? { ...zendesk.tickets.get(Number(id)) }
      : { ...zendesk.organizations.get(Number(id)) };
  }

  /**
   * @param on the ticket's or project's id
   * @returns `<ticket>-<comment>`, or the note's id
   */
  comment(side: Side, on: string, body: string, shown = true): string {
    const { zendesk, pms } = this.systems;
    if (side === 'pms') {
      const visibility = shown ? 'public' : 'internal';
      return pms.store.create('note', { projectId: on, body, visibility }, this.person).id;
    }
    zendesk.tickets.update(Number(on), { comment: { body, public: shown } }, this.agent);
    const added = zendesk.tickets.comments.of(Number(on)).at(-1);
    if (!added) throw new Error('the comment is not there');
    return `${on}-${added.id}`;
  }

  /** @param id of the comment (`<ticket>-<comment>`) or note */
  hide(side: Side, id: string): void {
    const { zendesk, pms } = this.systems;
    if (side === 'pms') {
      pms.store.update('note', id, { visibility: 'internal' }, undefined, this.person);
      return;
    }
    const [ticketId = 0, commentId = 0] = id.split('-').map(Number);
    zendesk.tickets.changeComment(ticketId, commentId, this.agent, {
      type: 'CommentPrivacyChange',
      event: 'ticket.comment_made_private',
      change: (comment) => ({ ...comment, public: false }),
    });
  }

  /** Makes a ticket internal by making its first comment internal. */
  hideTicket(side: Side, id: string): void {
    const { zendesk, pms } = this.systems;
    if (side === 'pms') pms.store.update('project', id, { visibility: 'internal' }, undefined, this.person);
    else {
      const [first] = zendesk.tickets.comments.of(Number(id));
      if (first) this.hide('zendesk', `${id}-${first.id}`);
    }
  }

  /**
   * Finds the counterpart of a record by the back-references.
   * @param side of the record that is known
   * @returns the id of its counterpart
   */
  counterpart(kind: Kind, side: Side, id: string): string | undefined {
    const { zendesk, pms } = this.systems;
    const own = refOf(kind, side, id);
    const name = RECORD_KIND[kind];
    if (side === 'zendesk') {
      const records = kind === 'ticket' ? zendesk.store.tickets : zendesk.store.organizations;
      const named = records.get(Number(id))?.external_id;
      return pms.store.lookUp(name.pms, 'externalRef', own)[0]?.id ?? idOf(named, `pms:${name.pms}:`);
    }
    const [found] =
      kind === 'ticket' ? zendesk.tickets.byExternalId(own) : zendesk.organizations.byExternalId(own);
    const named = pms.store.find(name.pms, id)?.externalRef;
    return found ? String(found.id) : idOf(named, `zendesk:${name.zendesk}:`);
  }
}

/** `zendesk:ticket:12`, `pms:customer:C-1001` */
export function refOf(kind: Kind, side: Side, id: string): string {
  return `${side}:${RECORD_KIND[kind][side]}:${id}`;
}

function idOf(reference: string | null | undefined, prefix: string): string | undefined {
  return reference?.startsWith(prefix) ? reference.slice(prefix.length) : undefined;
}
