import { controlsOf } from 'testkit';
import { freshWindow } from '../../src/systems/budget/budgetWindow';
import { keepPast, type PastDocument } from '../../src/systems/budget/pastWindows';
import { holdId, type BrakeHold } from '../../src/sync/holds';
import { startConsoleWorld, type ConsoleWorld } from './console';
import type { Sandboxes } from './sandboxes';

/** A console with one record of each state: for the pictures in docs, and for every check of the pages. */

export interface Gallery {
  world: ConsoleWorld;
  /** A pair with three rows in conflict, one of them a custom field. */
  conflict: string;
  /** An organization with two possible counterparts. */
  ambiguous: string;
  quarantined: string;
  /** A pair with a value that one side did not take. */
  notTaken: string;
  /** A linked pair with everything that a page can show: long texts, a history, other scripts. */
  linked: string;
}

export async function startGallery(): Promise<Gallery> {
  const world = await startConsoleWorld(customFields);
  const { stack, boxes } = world;
  await stack.store.bindings.keep(boxes.mapping.bound ?? []);
  const organization = await boxes.zd('POST', '/organizations', {
    organization: { name: 'Nordwind Logistik GmbH', details: 'Frame contract until 2027', tags: ['gold'] },
  });
  const { id: organization_id } = organization['organization'] as { id: number };
  const made = await boxes.zd('POST', '/users', {
    user: { name: 'Kim Larsen', email: 'kim@nordwind-logistik.example', organization_id },
  });
  await stack.settle();
  const pairs = await tickets(world, (made['user'] as { id: number }).id);
  const ambiguous = await twins(world);
  await seedAnHour(world);
  return { world, ambiguous, ...pairs };
}

/** A text and a number that both systems have as custom fields. */
async function customFields(boxes: Sandboxes): Promise<object[]> {
  const rows = [
    { type: 'text', title: 'Product', pms: 'product', as: 'string', winner: 'manual' },
    { type: 'decimal', title: 'Effort (hours)', pms: 'effortHours', as: 'decimal', winner: 'latest' },
  ];
  const found: object[] = [];
  for (const { type, title, pms, as, winner } of rows) {
    const made = await boxes.zd('POST', '/ticket_fields', { ticket_field: { type, title } });
    const { id } = made['ticket_field'] as { id: number };
    found.push({
      ...{ zendesk: `custom_fields.${id}`, pms: `customFields.${pms}`, type: as, direction: 'both', winner },
    });
  }
  return found;
}

const LONG =
  'Since the update of 12 November, the quarterly export leaves out the refunds of the Nordic warehouses. ' +
  'Steps: open Reports, choose "Orders by quarter", tick "with refunds", export as CSV. Expected: one line ' +
  'per refund. Found: the lines of Gothenburg, Turku and Aarhus are missing, the total is right all the same.';

type Made = Record<'conflict' | 'quarantined' | 'notTaken' | 'linked', string>;

async function tickets(world: ConsoleWorld, requester_id: number): Promise<Made> {
  const { stack, boxes } = world;
  const product = boxes.mapping.entities.TicketToProject.rows.find(
    ({ pms }) => pms === 'customFields.product',
  )?.zendesk;
  const fieldId = Number(product?.split('.')[1]);
  const ticket = async (subject: string, more: object = {}) => {
    const made = await boxes.zd('POST', '/tickets', {
      ticket: { subject, comment: { body: LONG }, requester_id, priority: 'normal', ...more },
    });
    return (made['ticket'] as { id: number }).id;
  };
  const printer = await ticket('Printer on floor 3 jams when printing on both sides', {
    ...{ type: 'task', tags: ['hardware', 'printer', 'floor_3'] },
    custom_fields: [{ id: fieldId, value: 'LaserLine 400' }],
  });
  const vpn = await ticket('VPN connection drops every evening around six', { type: 'incident' });
  const report = await ticket(
    'Quarterly export of orders leaves out the refunds of the Nordic warehouses since the update of 12 November',
    { type: 'problem', priority: 'urgent', tags: ['refunds', 'nordics', 'regression', 'vip'] },
  );
  const others = [
    'New colleague needs access to the warehouse system',
    'מדפסת בקומה השלישית לא מדפיסה 🖨️',
    'https://intranet.nordwind-logistik.example/wiki/warehouse/scanners/model-8000-returns-404',
    'Scanner firmware 8.1 for all warehouses',
  ];
  for (const subject of others) await ticket(subject, { type: 'question' });
  await boxes.zd('PUT', `/tickets/${printer}`, {
    ticket: { comment: { body: 'The technician comes on Thursday.', public: false } },
  });
  await stack.settle();
  await stack.settle();
  const projectOf = (id: number) =>
    [...boxes.pms.store.all('project')].find(({ externalRef }) => externalRef === `zendesk:ticket:${id}`)?.id;
  const both = async (id: number, zendesk: object, pms: object) => {
    if (Object.keys(zendesk).length > 0) await boxes.zd('PUT', `/tickets/${id}`, { ticket: zendesk });
    await boxes.pm('PATCH', `/projects/${projectOf(id)}`, pms);
  };
  await both(
    printer,
    {
      ...{ subject: 'Printer on floor 3 jams: replace the duplex unit', due_at: '2026-12-01T00:00:00Z' },
      custom_fields: [{ id: fieldId, value: 'LaserLine 400 Pro' }],
    },
    {
      ...{ title: 'Floor 3: order a new printer', dueDate: '2027-01-15T00:00:00Z' },
      customFields: { product: 'LaserLine 500' },
    },
  );
  await both(vpn, { subject: 'VPN drops every evening' }, { title: 'VPN gateway: session limit at six' });
  await both(report, {}, { priority: 'high', dueDate: '2026-12-20T00:00:00Z', tags: ['refunds', 'nordics'] });
  await stack.settle();
  await stack.settle();
  await controlsOf(boxes.pms).setFaults({
    ...{ route: '^POST /api/v1/projects', kind: 'status', status: 422 },
    body: { error: { code: 'invalid_field', message: 'the customer has no open contract' } },
  });
  const invoice = await ticket('Invoice 2026-1187 was charged twice', { priority: 'high' });
  await stack.settle();
  await controlsOf(boxes.pms).clearFaults();
  const key = (id: number) => `TicketToProject/zendesk:ticket:${id}`;
  return { conflict: key(printer), quarantined: key(invoice), notTaken: key(report), linked: key(report) };
}

/** @returns the key of an organization that matches two customers */
async function twins({ boxes, stack }: ConsoleWorld): Promise<string> {
  for (const notes of ['Hamburg branch', 'Lübeck branch'])
    await boxes.pm('POST', '/customers', { name: 'Hanse Kontor', notes });
  const made = await boxes.zd('POST', '/organizations', { organization: { name: 'Hanse Kontor' } });
  await stack.settle();
  return `OrgToCustomer/zendesk:organization:${(made['organization'] as { id: number }).id}`;
}

/** An hour with problems: an outage, a hold of the brake, records set aside, pauses. */
export async function goWrong({ world, linked }: Gallery): Promise<void> {
  const { stack, db } = world;
  await stack.store.troubles.note('pms', {
    code: 'unavailable',
    text: 'https://pms.nordwind-logistik.example:443 does not answer: connection refused',
  });
  const change = { entity: 'TicketToProject', kind: 'emptied', row: 'tags', side: 'zendesk' } as const;
  const hold: BrakeHold = {
    ...{ id: holdId(change), ...change, state: 'held', by: 'brake', cause: 'side answered with less' },
    ...{ since: new Date(Date.now() - 14 * 60_000).toISOString(), examples: [linked] },
    counts: { pairs: 214, linked: 1820, allowed: 182 },
  };
  await stack.store.holds.begin(hold);
  await db
    .collection<{ _id: string }>('links')
    .updateOne({ _id: linked }, { $set: { braked: [{ hold: hold.id, row: 'tags' }] } });
  await stack.store.aside.keep([
    {
      ...{ what: 'zendesk:ticket:35436', side: 'zendesk', kind: 'record', bytes: 2_214_330 },
      reason: 'tickets[3].custom_fields: found a string, expected a list',
    },
  ]);
  await stack.client.schedule.getHandle(`${stack.taskQueue}-reconcile`).pause('Moving house (paused by Ann)');
  await stack.store.control.pause('CommentToProject', new Date());
}

/** An hour of samples, like those of workers. */
async function seedAnHour({ stack, db }: ConsoleWorld): Promise<void> {
  const past = db.collection<PastDocument>('budgetWindows');
  const now = Date.now();
  for (let ago = 59; ago > 0; ago -= 1) {
    const at = new Date(now - ago * 60_000);
    const rush = ago > 20 && ago < 30 ? (30 - ago) * 22 : 0;
    await stack.store.lag.note('zendesk:tickets', at, (60 + rush + (ago % 4)) * 1000);
    await stack.store.lag.note('pms:all', at, (15 + (ago % 3)) * 1000);
    const window = (bucket: string, limit: number, used: number) =>
      keepPast(past, bucket, {
        ...freshWindow(limit, { windowMs: 60_000, ceiling: null, share: 1 }, at.getTime() - 60_000),
        window: 60 - ago,
        endsAt: at.getTime(),
        used,
        ours: used,
      });
    await window('zendesk:account', 700, 40 + (ago % 7) * 9 + rush * 2);
    await window('zendesk:exports', 10, 3 + (ago % 2));
    await window('pms:account', 600, 30 + (ago % 5) * 12 + rush);
  }
}
