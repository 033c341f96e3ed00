import { controlsOf } from 'testkit';
import type { FaultInput } from 'zendesk-sandbox/common';
import type { Side, SyncRecord, Values } from '../../src/sync/record';
import {
  AlreadyExists,
  NeedsHuman,
  PreconditionFailed,
  RecordGone,
  RetryLater,
} from '../../src/systems/errors';
import type { SystemPort } from '../../src/systems/port';
import { zendeskSystem } from '../../src/systems/zendesk/zendeskSystem';
import { contractSystem, startSandboxes, type Sandboxes } from '../support/sandboxes';

/** The promises that the core relies on, tested with both adapters against the sandboxes. */

const CASES: Record<Side, { task: string; title: string; org: string; back: string; other: string }> = {
  zendesk: {
    task: 'ticket',
    title: 'subject',
    org: 'organization',
    back: 'pms:project:P-7',
    other: 'pms:customer:C-7',
  },
  pms: {
    task: 'project',
    title: 'title',
    org: 'customer',
    back: 'zendesk:ticket:7',
    other: 'zendesk:organization:7',
  },
};

describe.each<Side>(['zendesk', 'pms'])('the port of %s', (side) => {
  let boxes: Sandboxes;
  let port: SystemPort;
  const { task, title, org, back, other } = CASES[side];

  beforeEach(async () => {
    boxes = await startSandboxes();
    port = boxes.systems[side];
  });
  afterEach(async () => boxes.close());

  const make = (values: Values, backRef = back, key = 'key-1'): Promise<SyncRecord> =>
    port.create(task, { description: 'words', ...values }, { idempotencyKey: key, backRef });
  const faults = (...rules: FaultInput[]) => controlsOf(boxes[side]).setFaults(...rules);
  const errorOf = async (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => 'no error',
      (error: unknown) => error,
    );

  test('creates with a back-reference that finds the record, and reads it', async () => {
    const created = await make({ [title]: 'One' });
    expect(created).toMatchObject({
      backRef: back,
      foreignBackRef: false,
      state: 'live',
      values: { [title]: 'One', description: 'words' },
    });
    expect(await port.findByBackRef(task, back, {})).toEqual([created]);
    const missing = { side, kind: task, id: side === 'zendesk' ? '999' : 'P-999999' };
    expect(await port.read([missing, created.ref])).toEqual([
      { ref: missing, record: null },
      { ref: created.ref, record: created },
    ]);
  });

  test('a repeated create makes no second record', async () => {
    const first = await make({ [title]: 'One' });
    expect((await make({ [title]: 'One' })).ref).toEqual(first.ref);
    expect(await port.findByBackRef(task, back, {})).toHaveLength(1);
  });

  test('updates under a precondition, gets a new version, and clears values', async () => {
    const created = await make({ [title]: 'One', tags: ['a'] });
    // Zendesk's versions have whole seconds, so the second update must be in a later second.
    const { record } = await port.update(
      created.ref,
      { [title]: 'Two', tags: [] },
      { version: created.version, backRef: null },
    );
    expect(record.values).toMatchObject({ [title]: 'Two', tags: [] });
    const stale = side === 'zendesk' ? '2001-01-01T00:00:00Z' : '1';
    expect(
      await errorOf(port.update(created.ref, { [title]: 'Three' }, { version: stale, backRef: null })),
    ).toBeInstanceOf(PreconditionFailed);
    const gone = { ...created.ref, id: side === 'zendesk' ? '999' : 'P-999999' };
    expect(
      await errorOf(port.update(gone, { [title]: 'x' }, { version: '1', backRef: null })),
    ).toBeInstanceOf(RecordGone);
  });

  test('people are e-mail addresses both ways', async () => {
    const created = await make({ [title]: 'One', requester: 'new.person@example.com' });
    expect(created.values['requester']).toBe('new.person@example.com');
  });

  test('organizations are found by name, which is unique if the system says so', async () => {
    const name = { name: 'Acme Ltd' };
    const first = await port.create(org, name, { idempotencyKey: 'o1', backRef: other });
    expect(await port.findByProperty(org, 'name', 'ACME LTD')).toEqual([first]);
    expect(
      await errorOf(port.create(org, { name: 'Other' }, { idempotencyKey: 'o2', backRef: other })),
    ).toBeInstanceOf(AlreadyExists);
    if (side === 'zendesk') {
      expect(
        await errorOf(port.create(org, name, { idempotencyKey: 'o3', backRef: `${other}0` })),
      ).toMatchObject({ name: 'AlreadyExists', field: 'name' });
    }
  });

  test('follows changes from a cursor, without a gap and to the end', async () => {
    await make({ [title]: 'One' });
    const seen: string[] = [];
    for (const stream of port.streams) {
      let cursor: string | null = null;
      for (let more = true; more;) {
        const page = await port.changes(stream, cursor);
        ({ cursor, more } = page);
        seen.push(...page.records.map((each) => each.ref.kind));
      }
      const again = await port.changes(stream, cursor);
      expect(again.more).toBe(false);
    }
    expect(seen).toContain(task);
  });

  test('a follow-up is added once, however often it is sent', async () => {
    const created = await make({ [title]: 'One' });
    const options = {
      idempotencyKey: 'follow-1',
      backRef: side === 'zendesk' ? 'pms:note:N-1' : 'zendesk:comment:1-2',
    };
    await port.followUp(created.ref, { text: 'Edited', public: false }, options);
    await port.followUp(created.ref, { text: 'Edited', public: false }, options);
    const message =
      side === 'zendesk'
        ? (boxes.zendesk.store.comments.get(Number(created.ref.id)) ?? []).map((comment) => comment.body)
        : [...boxes.pms.store.all('note')].map((note) => note['body']);
    expect(message.filter((each) => String(each).endsWith('Edited'))).toHaveLength(1);
  });

  test('errors are of three kinds, and show whether a write may have been done', async () => {
    const kinds = async (rule: Omit<FaultInput, 'route'>) => {
      await faults({ route: '^POST /api/', times: 1, ...rule });
      return errorOf(make({ [title]: 'One' }, back, `key-${JSON.stringify(rule)}`));
    };
    expect(await kinds({ kind: 'status', status: 429, retryAfterSeconds: 7 })).toMatchObject({
      name: 'RetryLater',
      options: { retryAfterMs: 7000, unknownOutcome: false },
    });
    expect(await kinds({ kind: 'status', status: 500 })).toMatchObject({
      name: 'RetryLater',
      options: { unknownOutcome: true },
    });
    expect(await kinds({ kind: 'reset' })).toMatchObject({
      name: 'RetryLater',
      options: { unknownOutcome: true },
    });
    expect(await kinds({ kind: 'status', status: 401 })).toMatchObject({
      name: 'NeedsHuman',
      code: 'unauthorized',
    });
    const lost = await kinds({ kind: 'timeoutAfterWrite' });
    expect(lost).toBeInstanceOf(RetryLater);
    // It was done, although the answer was lost: the back-reference finds it.
    expect(await port.findByBackRef(task, back, {})).toHaveLength(1);
  });

  test('the error of a refusal names the field', async () => {
    const error = await errorOf(make({ [title]: 'One', status: 'no-such-status' }));
    expect(error).toBeInstanceOf(NeedsHuman);
    expect(error).toMatchObject({ code: 'invalid_field', field: 'status' });
  });

  test('broken JSON is retried; a wrong type is named by its path', async () => {
    await make({ [title]: 'One' });
    await faults({ route: '/api/', kind: 'truncated', times: 1 });
    expect(await errorOf(port.findByBackRef(task, back, {}))).toBeInstanceOf(RetryLater);
    await faults({ route: '/api/', kind: 'malformed', times: 1 });
    expect(await errorOf(port.findByBackRef(task, back, {}))).toBeInstanceOf(RetryLater);
  });

  test('lists properties, custom fields by title too; no error contains the credential', async () => {
    const names = (await port.properties(task)).map((property) => property.name);
    expect(names).toEqual(
      expect.arrayContaining([title, 'description', 'status', 'requester', 'assignee', 'tags']),
    );
    const withAliases = (await port.properties(task)).filter((property) => property.aliases.length > 0);
    expect(withAliases.length).toBeGreaterThan(0);
    const secret = 'very-secret-credential';
    const wrong =
      side === 'zendesk'
        ? zendeskSystem({
            baseUrl: boxes.zendesk.url,
            auth: { by: 'oauth', clientId: boxes.zendesk.clientId, secret: () => secret },
          })
        : contractSystem({ baseUrl: boxes.pms.url, token: secret });
    const error = await errorOf(wrong.whoAmI());
    expect(error).toMatchObject({ name: 'NeedsHuman', code: 'unauthorized' });
    expect(
      JSON.stringify(error, Object.getOwnPropertyNames(error)) + String((error as Error).stack),
    ).not.toContain(secret);
  });
});

test('F2: the list of fields shows which tags belong to fields, and a ticket shows them separately', async () => {
  const boxes = await startSandboxes();
  try {
    const options = ['alps', 'nordics'].map((value) => ({ name: value, value }));
    await boxes.zd('POST', '/ticket_fields', {
      ticket_field: { type: 'multiselect', title: 'Regions', custom_field_options: options },
    });
    await boxes.zd('POST', '/ticket_fields', {
      ticket_field: { type: 'checkbox', title: 'Vip', tag: 'vip_box' },
    });
    const port = boxes.systems.zendesk;
    const tags = (await port.properties('ticket')).find(({ name }) => name === 'tags');
    expect(tags?.reserved).toEqual(expect.arrayContaining(['alps', 'nordics', 'vip_box']));
    const given = { idempotencyKey: 'k', backRef: 'pms:project:P-1' };
    const made = await port.create(
      'ticket',
      { subject: 'x', description: 'x', tags: ['plain', 'nordics'] },
      given,
    );
    expect(made).toMatchObject({ values: { tags: ['plain'] }, owned: { tags: ['nordics'] } });
  } finally {
    await boxes.close();
  }
});
