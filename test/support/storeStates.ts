import { setTimeout as sleep } from 'node:timers/promises';
import { PAUSE_HEARD_MS } from '../../src/links/pauseStore';
import { openLinkStore } from '../../src/links/linkStore';
import { decide } from '../../src/operator/decide';
import type { Link } from '../../src/sync/link';
import type { EntityType } from '../../src/sync/record';
import { startBackfill } from '../../src/workers/startBackfill';
import { pauseOrResume } from '../../src/workers/pauseControl';
import { reconcile } from '../../src/workflows';
import { reconcileId } from '../../src/workflows/ids';
import { deliver, pmsChange, pmsDelivery, ticketEvent, zendeskDelivery } from './deliveries';
import type { FaultInput } from 'zendesk-sandbox/common';
import { SECRETS } from './intake';
import { addMember } from './membership';
import type { RecordedService } from './recordedService';
import { bearerOf } from './sandboxes';
import { until } from './serviceProcess';

/**
 * Actions of people, operators and failing networks that put documents into every collection of a link store, and
 * links into every state. All use HTTP or the product's own commands.
 */

type Answer = Record<string, unknown>;

const isLinked = ({ status, intent }: Link) => status === 'linked' && intent === null;

export class StoreStates {
  /** A linked ticket for later comments. */
  private paused = 0;
  /** Another ticket, whose next update loses its answer. */
  private lost = 0;
  private readonly broken: FaultInput[] = [];

  constructor(private readonly service: RecordedService) {}

  /** Pairs at rest: linked, in conflict, quarantined, ended, taken apart, waiting. */
  async atRest(): Promise<void> {
    const org = await this.organization('Acme Dental');
    await this.linked(this.orgKey(org));
    await this.talk(org);
    await this.fromThePms();
    await this.conflicts(org);
    await this.choices();
    await this.ended(org);
    const { client, name } = this.service;
    await client.workflow.execute(reconcile, {
      workflowId: reconcileId(name),
      taskQueue: name,
      args: [{ full: true }],
    });
    const reports = this.service.db.collection('reports');
    await until(async () => (await reports.countDocuments()) > 0);
  }

  /** Pairs with unfinished work, and a pair that the PMS refuses. */
  async halfDone(): Promise<void> {
    const { service } = this;
    const org = await this.organization('Halfway Inc');
    await this.linked(this.orgKey(org));
    const subjects = [
      'its answer was lost',
      'not written',
      'written on one side',
      'decided',
      'merged',
      'talk',
    ];
    const tickets: number[] = [];
    for (const subject of subjects)
      tickets.push(await this.ticket(subject, org, { priority: 'normal', type: 'task' }));
    for (const ticket of tickets) await this.linked(this.key(ticket));
    const [unwritten = 0, half = 0, decided = 0, merged = 0, talk = 0] = tickets;
    await this.inConflict(decided);
    await this.inConflict(merged);
    const comment = await this.comment(talk, 'its edit is being said in Zendesk');
    this.paused = await this.ticket('talks while comments are paused', null);
    await this.linked(this.key(this.paused));
    this.lost = await this.ticket('its answer was lost', null, { priority: 'normal' });
    await this.linked(this.key(this.lost));
    const ids = await Promise.all(tickets.map((ticket) => this.projectOf(ticket)));
    await this.whilePaused('TicketToProject', async () => {
      await this.pm('PATCH', `/projects/${ids[1]}`, { dueDate: '2027-01-31T00:00:00Z' });
      await this.edit(unwritten, { subject: 'not written, edited' });
      await this.edit(half, { subject: 'written on one side, edited' });
      await this.breakConnections(ids, talk);
    });
    const created = await this.ticket('made, and nobody heard of it', org);
    await service.until(this.key(created), ({ intent }) => JSON.stringify(intent).includes('create'));
    for (const ticket of [unwritten, half])
      await service.until(this.key(ticket), ({ intent, reason }) => intent !== null && reason !== null);
    await this.pm('PATCH', `/notes/${comment.note}`, { body: 'said again' });
    await service.until(comment.key, ({ intent, reason }) => intent !== null && reason !== null);
    await this.decisions(decided, merged);
    await this.refused();
  }

  /** Loses answers or breaks connections between the workers and the next writes. */
  private async breakConnections(projects: string[], talk: number): Promise<void> {
    this.broken.push(
      ...projects.map((id) => ({
        route: `^(PATCH|GET) /api/v1/projects(/|.*ids=.*)${id}`,
        kind: 'reset' as const,
      })),
      { route: '^POST /api/v1/projects$', kind: 'timeoutAfterWrite' },
      { route: '^POST /api/v1/projects/bulk', kind: 'reset' },
      { route: '^POST /api/v1/customers$', kind: 'status', status: 422 },
    );
    await this.service.faults('pms', ...this.broken);
    await this.service.faults('zendesk', { route: `^PUT /api/v2/tickets/${talk}`, kind: 'reset' });
  }

  /** An update whose answer was lost: it may have overruled a person's value. */
  async lostAnswer(): Promise<void> {
    const { service, lost } = this;
    const project = await this.projectOf(lost);
    await this.whilePaused('TicketToProject', async () => {
      await this.pm('PATCH', `/projects/${project}`, { priority: 'low' });
      await service.faults(
        'pms',
        { route: `^PATCH /api/v1/projects/${project}`, kind: 'timeoutAfterWrite', times: 1 },
        { route: `^GET /api/v1/projects.*${project}`, kind: 'reset' },
        ...this.broken,
      );
      await sleep(1_100);
      await this.edit(lost, { priority: 'high' });
    });
    await until(async () => (await service.link(this.key(lost)))?.unconfirmed !== undefined);
  }

  private async decisions(decided: number, merged: number): Promise<void> {
    const { service } = this;
    // Neither is answered while the PMS does not answer.
    void service.commands
      .resolve(this.key(decided), { row: 'title', choice: 'zendesk' })
      .catch(() => undefined);
    const store = await openLinkStore(service.db);
    const { mapping, client, commands } = service;
    void decide(
      { mapping, store, client, commands, pairPrefix: '' },
      this.key(merged),
      { row: 'title', value: 'made of both' },
      { wait: 600, valueName: '--value', by: 'Robin' },
    ).catch(() => undefined);
    const kept = service.db.collection('decisions');
    await until(async () => (await kept.countDocuments()) >= 2);
  }

  /** A paused entity type, with the messages that arrived meanwhile. */
  async heldBack(): Promise<void> {
    const { service } = this;
    await pauseOrResume(service.client, service.name, 'pause', 'CommentToProject');
    await sleep(PAUSE_HEARD_MS);
    await this.edit(this.paused, { comment: { body: 'is anybody there?' } });
    await until(async () => {
      await service.poll();
      return (await service.db.collection('held').countDocuments()) > 0;
    });
  }

  /** A backfill in the middle of a page: one of its kinds is done, another is being written. */
  async backfill(): Promise<void> {
    const { service } = this;
    await this.organization('Found by the backfill');
    for (const subject of ['backfill one', 'backfill two', 'backfill three'])
      await this.ticket(subject, null);
    const store = await openLinkStore(service.db);
    await startBackfill(service.client, store, service.name);
    await until(
      async () => (await service.db.collection('links').countDocuments({ intent: /"hold":/ })) >= 3,
    );
  }

  /** Hints of webhooks while no worker ran. */
  async hints(): Promise<void> {
    const { receiver } = this.service;
    const url = `http://127.0.0.1:${receiver.port}`;
    const [ticket] = [...this.service.boxes.zendesk.store.tickets.keys()];
    const [project] = [...this.service.boxes.pms.store.all('project')];
    const [zendesk = ''] = SECRETS.zendesk;
    const [pms = ''] = SECRETS.pms;
    const answers = [
      await deliver(url, zendeskDelivery(ticketEvent(ticket ?? 0), { secret: zendesk })),
      await deliver(url, pmsDelivery(pmsChange('project', project?.id ?? '', 99), { secret: pms })),
    ];
    if (answers.some(({ status }) => status !== 200)) throw new Error(JSON.stringify(answers));
  }

  private async talk(org: number): Promise<void> {
    const { service } = this;
    const ticket = await this.ticket('Printer on fire', org);
    await this.linked(this.key(ticket));
    const token = await this.upload('log.txt', 'everything is fine');
    await this.edit(ticket, { comment: { body: 'see the log', uploads: [token] } });
    await this.edit(ticket, { comment: { body: 'between us', public: false } });
    await this.edit(ticket, { comment: { body: 'card 4111 1111' } });
    const comments = () => service.boxes.zendesk.store.comments.get(ticket) ?? [];
    const keys = comments()
      .slice(1)
      .map(({ id }) => `CommentToProject/zendesk:comment:${ticket}-${id}`);
    for (const key of keys) await this.linked(key);
    const [withFile = ''] = keys;
    await service.until(withFile, ({ files = [] }) => files.length > 0);
    const card = comments().at(-1)?.id;
    await this.zd('PUT', `/tickets/${ticket}/comments/${card}/redact`, { text: '4111 1111' });
    // Zendesk cannot change a body, so the edit becomes a follow-up comment.
    const [note] = [...service.boxes.pms.store.all('note')];
    await this.pm('PATCH', `/notes/${note?.id}`, { body: 'see the log, second page' });
    await service.until(withFile, ({ sides }) => Object.keys(sides.zendesk?.residue ?? {}).length > 0);
  }

  private async fromThePms(): Promise<void> {
    const customer = await this.pm('POST', '/customers', { name: 'Globex', domains: ['globex.example'] });
    await this.linked(`OrgToCustomer/pms:customer:${String(customer['id'])}`);
    const project = await this.pm('POST', '/projects', { title: 'Roll-out', customerId: customer['id'] });
    await this.linked(`TicketToProject/pms:project:${String(project['id'])}`);
    const note = await this.pm('POST', '/notes', { projectId: project['id'], body: 'first note' });
    await this.linked(`CommentToProject/pms:note:${String(note['id'])}`);
  }

  /** A title that only a person decides about, and a priority whose winner is the later edit. */
  private async conflicts(org: number): Promise<void> {
    const ticket = await this.ticket('Both of us', org, { priority: 'low' });
    await this.linked(this.key(ticket));
    await this.inConflict(ticket);
  }

  private async inConflict(ticket: number): Promise<void> {
    await this.service.poll();
    const project = await this.projectOf(ticket);
    await this.whilePaused('TicketToProject', async () => {
      await this.edit(ticket, { subject: 'as Zendesk has it', priority: 'high' });
      await sleep(1_100);
      await this.pm('PATCH', `/projects/${project}`, { title: 'as the PMS has it', priority: 'critical' });
    });
    await this.service.until(this.key(ticket), ({ status }) => status === 'conflict');
  }

  /** Edits of both sides are read together. */
  private async whilePaused(entity: EntityType, edits: () => Promise<void>): Promise<void> {
    const { client, name } = this.service;
    await pauseOrResume(client, name, 'pause', entity);
    await sleep(PAUSE_HEARD_MS);
    await edits();
    await this.service.poll();
    await pauseOrResume(client, name, 'resume', entity);
  }

  /** Several records match: one pair waits for a person's choice, one keeps its record without a counterpart. */
  private async choices(): Promise<void> {
    const keys: string[] = [];
    await this.whilePaused('OrgToCustomer', async () => {
      for (const twin of ['Twin', 'Solo']) {
        keys.push(this.orgKey(await this.organization(twin)));
        await this.pm('POST', '/customers', { name: twin });
        await this.pm('POST', '/customers', { name: twin.toUpperCase() });
      }
    });
    for (const key of keys) await this.service.until(key, ({ candidates }) => candidates.length > 1);
    await this.service.commands.resolve(keys[1] ?? '', { counterpart: 'none' });
  }

  /** A record that the other side refuses, and a record that waits for it. */
  private async refused(): Promise<void> {
    const { service } = this;
    const org = await this.organization('Refused Ltd');
    await service.until(this.orgKey(org), ({ status }) => status === 'quarantined');
    const ticket = await this.ticket('waits for its organization', org);
    await service.until(this.key(ticket), ({ waitsFor }) => waitsFor.length > 0);
  }

  private async ended(org: number): Promise<void> {
    const ticket = await this.ticket('deleted', org);
    await this.linked(this.key(ticket));
    await this.zd('DELETE', `/tickets/${ticket}`);
    await this.service.until(this.key(ticket), ({ status }) => status === 'tombstone');
  }

  private async linked(key: string): Promise<void> {
    await this.service.until(key, isLinked);
  }

  /** A comment on a ticket, and its note. */
  private async comment(ticket: number, body: string): Promise<{ key: string; note: string }> {
    await this.edit(ticket, { comment: { body } });
    const { id } = this.service.boxes.zendesk.store.comments.get(ticket)?.at(-1) ?? {};
    const key = `CommentToProject/zendesk:comment:${ticket}-${id}`;
    await this.linked(key);
    const ref = (await this.service.link(key))?.sides.pms?.ref ?? '';
    return { key, note: ref.slice('pms:note:'.length) };
  }

  private key(ticket: number): string {
    return `TicketToProject/zendesk:ticket:${ticket}`;
  }

  private orgKey(org: number): string {
    return `OrgToCustomer/zendesk:organization:${org}`;
  }

  private async projectOf(ticket: number): Promise<string> {
    const ref = (await this.service.link(this.key(ticket)))?.sides.pms?.ref ?? '';
    return ref.slice('pms:project:'.length);
  }

  private async organization(name: string): Promise<number> {
    const id = idOf((await this.zd('POST', '/organizations', { organization: { name } }))['organization']);
    addMember(this.service.boxes.zendesk, id);
    return id;
  }

  private async ticket(subject: string, org: number | null, more: Answer = {}): Promise<number> {
    const ticket = { subject, organization_id: org, comment: { body: `about: ${subject}` }, ...more };
    return idOf((await this.zd('POST', '/tickets', { ticket }))['ticket']);
  }

  private async edit(ticket: number, changes: Answer): Promise<void> {
    await this.zd('PUT', `/tickets/${ticket}`, { ticket: changes });
  }

  private async upload(fileName: string, content: string): Promise<string> {
    const { zendesk } = this.service.boxes;
    const answer = await fetch(`${zendesk.url}/api/v2/uploads?filename=${fileName}`, {
      method: 'POST',
      headers: { ...bearerOf(zendesk), 'content-type': 'text/plain' },
      body: content,
    });
    return ((await answer.json()) as { upload: { token: string } }).upload.token;
  }

  private async zd(method: string, at: string, body?: unknown): Promise<Answer> {
    return good(await this.service.boxes.zd(method, at, body));
  }

  private async pm(method: string, at: string, body?: unknown): Promise<Answer> {
    return good(await this.service.boxes.pm(method, at, body));
  }
}

function good(answer: Answer & { status: number }): Answer {
  if (answer.status >= 300) throw new Error(JSON.stringify(answer));
  return answer;
}

function idOf(record: unknown): number {
  return (record as { id: number }).id;
}
