import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'yaml';
import { activeField } from 'testkit';
import { parseMapping } from '../../src/sync/mappingFile';
import type { Mapping } from '../../src/sync/mapping';
import { startBackfill } from '../../src/workers/startBackfill';
import { addMember } from '../support/membership';
import { MAPPING_FILE, startSandboxes, type Sandboxes } from '../support/sandboxes';
import { testServers } from '../support/servers';
import { startStack, type Stack } from '../support/stack';

/**
 * A backfill gives the same result, in every row of the mapping, as syncing pairs one by one: with drop-downs,
 * checkboxes, lists, private first comments and more groups than a page has. `BACKFILL_TICKETS=3000` uses as many
 * tickets.
 */

const TICKETS = Number(process.env['BACKFILL_TICKETS'] ?? 150);
const GROUPS = 150;
const COMPANIES = 7;

function mappingWithFields(): Mapping {
  const input = parse(readFileSync(MAPPING_FILE, 'utf8')) as {
    entities: { TicketToProject: { properties: object[] } };
  };
  const row = (title: string, key: string, more: object) => ({
    zendesk: `custom_fields.${title}`,
    pms: `customFields.${key}`,
    direction: 'both',
    winner: 'latest',
    ...more,
  });
  const table = Object.fromEntries(['s1', 's2', 's3', 's4'].map((value) => [value, value]));
  input.entities.TicketToProject.properties.push(
    row('Severity', 'severity', { type: 'enum', transform: 'enum', table }),
    row('Escalated', 'escalated', { type: 'boolean', default: false }),
    row('Components', 'components', { type: 'string[]', transform: 'tags' }),
  );
  return parseMapping(input, 'mapping.yaml', () => 'fields');
}

/** Chooses by a number, so that two worlds have the same content. */
const pick = <T>(list: readonly T[], n: number): T => list[n % list.length] as T;
const SEVERITIES = ['s1', 's2', 's3', 's4', null];
const COMPONENTS = [[], ['api'], ['app', 'billing'], ['reports']];

function fill({ zendesk, pms }: Sandboxes): void {
  const { store, tickets } = zendesk;
  const agent = store.userByEmail.get('ann@sandbox.example');
  const [group] = store.groups;
  if (!agent || !group) throw new Error('no agent or group');
  for (let n = 0; n < GROUPS; n += 1) store.groups.push({ ...group, id: 900_000 + n, name: `Group ${n}` });
  const companies = Array.from({ length: COMPANIES }, (_, n) => {
    const organization = zendesk.organizations.create({ name: `Company ${n}`, tags: [`c${n}`] }, agent.id);
    const email = `person${n}@company${n}.example`;
    addMember(zendesk, organization.id, { email, name: `Person ${n}` });
    const customer = pms.store.create('customer', { name: `Customer ${n}` }, 'U-1001');
    return { organization: organization.id, customer: customer.id, requester: store.personOf(email).id };
  });
  const [severity, escalated, components] = (['severity', 'escalated', 'components'] as const).map((name) =>
    activeField({ zendesk }, name),
  );
  for (let n = 0; n < TICKETS; n += 1) {
    const company = pick(companies, n);
    const [level, parts] = [pick(SEVERITIES, n), pick(COMPONENTS, n)];
    if (n % 3 === 2) {
      const { id } = pms.store.create(
        'project',
        {
          ...{ title: `Project ${n}`, description: `About ${n}`, customerId: company.customer },
          visibility: n % 2 === 0 ? 'public' : 'internal',
          priority: pick(['low', 'high', null], n),
          tags: [`t${n % 5}`],
          customFields: { severity: level, escalated: n % 4 === 0, components: parts },
        },
        'U-1001',
      );
      if (n % 5 === 0) pms.store.create('note', { projectId: id, body: `Note ${n}` }, 'U-1001');
      continue;
    }
    const { ticket } = tickets.create(
      {
        ...{ subject: `Ticket ${n}`, comment: { body: `Said ${n}`, public: n % 4 !== 0 } },
        ...{ requester_id: company.requester, organization_id: company.organization },
        priority: pick(['low', 'normal', 'urgent', null], n),
        type: pick(['task', 'question', null], n),
        group_id: 900_000 + (n % GROUPS),
        tags: [`t${n % 5}`],
        custom_fields: [
          { id: severity, value: level },
          { id: escalated, value: n % 2 === 0 },
          { id: components, value: parts },
        ],
      },
      agent,
    );
    if (n % 5 === 0)
      tickets.update(ticket.id, { comment: { body: `Then ${n}`, public: n % 2 === 0 } }, agent);
  }
}

/** The content that people see, without ids, addresses and times. */
function contents({ zendesk, pms }: Sandboxes): string[] {
  const { store } = zendesk;
  const addressOf = (id: unknown) => pms.store.people.get(String(id))?.email ?? null;
  const customerOf = (id: unknown) => pms.store.find('customer', String(id))?.['name'] ?? null;
  const projects = [...pms.store.all('project')].map((project) => {
    const { title, description, status, priority, type, tags, visibility, channel, group } = project;
    const { customFields, requestedBy, openedAt, dueDate } = project;
    return {
      ...{ title, description, status, priority, type, visibility, channel, group, customFields },
      ...{ requestedBy, dueDate, isOpened: openedAt !== null },
      tags: [...(tags as string[])].sort(),
      people: [project['requesterId'], project['assigneeId']].map(addressOf),
      customer: customerOf(project['customerId']),
      notes: [...pms.store.lookUp('note', 'projectId', project.id)].map((note) => [
        note['body'],
        note['visibility'],
        note['authorName'],
        addressOf(note['authorId']),
      ]),
    };
  });
  const tickets = [...store.tickets.values()].map((ticket) => {
    const { subject, description, status, priority, type, tags, due_at: due } = ticket;
    return {
      ...{ subject, description, status, priority, type, due, tags: [...tags].sort() },
      fields: zendesk.tickets.shown(ticket)['custom_fields'],
      requester: store.users.get(ticket.requester_id ?? 0)?.email,
      organization: store.organizations.get(ticket.organization_id ?? 0)?.name,
      comments: (store.comments.get(ticket.id) ?? []).map((comment) => [comment.body, comment.public]),
    };
  });
  const all: object[] = [...projects, ...tickets];
  return all.map((each) => JSON.stringify(each)).sort();
}

async function inWorld(sync: (stack: Stack) => Promise<void>): Promise<string[]> {
  const boxes = await startSandboxes({ mapping: mappingWithFields() });
  const stack = await startStack(testServers(), boxes.mapping, boxes.systems);
  try {
    fill(boxes);
    await sync(stack);
    return contents(boxes);
  } finally {
    await stack.stop();
    await boxes.close();
  }
}

/**
 * Settles, and once more after every stream was read to its end: Zendesk's exports show a thousand changes of the last
 * minute, and more of them only later.
 */
async function settleToEnd(stack: Stack): Promise<void> {
  const began = new Date().toISOString();
  for (;;) {
    await stack.settle();
    const positions = await stack.store.cursors.positions();
    if (positions.every(({ readAt }) => readAt !== null && readAt >= began)) break;
    await sleep(5_000);
  }
  await stack.settle();
}

test(
  'a backfill of tickets with all kinds of fields agrees in every row with single pairs',
  async () => {
    const inBulk = await inWorld(async (stack) => {
      const progress = await (await startBackfill(stack.client, stack.store, stack.taskQueue)).result();
      expect(progress).toMatchObject({ state: 'done', failed: [], open: [] });
      await stack.quiet();
      await settleToEnd(stack);
    });
    const oneByOne = await inWorld(async (stack) => {
      await stack.settle();
      await settleToEnd(stack);
    });
    expect(inBulk).toHaveLength(2 * TICKETS);
    expect(inBulk).toEqual(oneByOne);
  },
  Math.max(1_800_000, TICKETS * 2_000),
);
