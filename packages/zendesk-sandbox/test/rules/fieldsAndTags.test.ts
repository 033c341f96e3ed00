import { COMPONENTS, ESCALATED, SEVERITY, useSandbox } from '../support/rig';

const rig = useSandbox();
const set = (...values: [number, unknown][]) => ({
  custom_fields: values.map(([id, value]) => ({ id, value })),
});

test('rule 13: setting a drop-down sets its tag, and removes the tag of the former option', async () => {
  const { id, tags } = await rig.api.ticket({ tags: ['vip'], ...set([SEVERITY, 's1']) });
  expect(tags).toEqual(['s1', 'vip']);
  expect((await rig.put(id, set([SEVERITY, 's2']))).body.ticket.tags).toEqual(['s2', 'vip']);
  expect((await rig.put(id, set([SEVERITY, null]))).body.ticket.tags).toEqual(['vip']);
});

test('rule 13: an option of a drop-down is a tag: adding the tag sets the field', async () => {
  const { id } = await rig.api.ticket(set([SEVERITY, 's1']));
  await rig.api.put(`/tickets/${id}/tags`, { tags: ['s3'] });
  const ticket = await rig.ticket(id);
  expect([rig.value(ticket, SEVERITY), ticket.tags]).toEqual(['s3', ['s3']]);
});

test('rule 13: an update of the tags without the option’s tag clears the field', async () => {
  const { id } = await rig.api.ticket({ tags: ['vip'], ...set([SEVERITY, 's1']) });
  const { ticket } = (await rig.put(id, { tags: ['vip', 'q3'] })).body;
  expect([rig.value(ticket, SEVERITY), ticket.tags]).toEqual([null, ['q3', 'vip']]);
});

test('rule 13: options of multi-selects and ticked checkboxes are tags', async () => {
  const { id, tags } = await rig.api.ticket(set([COMPONENTS, ['app', 'api']], [ESCALATED, true]));
  expect(tags).toEqual(['api', 'app', 'escalated']);
  const { ticket } = (await rig.put(id, { tags: ['app', 'billing'] })).body;
  expect([rig.value(ticket, COMPONENTS), rig.value(ticket, ESCALATED)]).toEqual([['app', 'billing'], false]);
});

test.each([
  ['fieldWins', 's2', ['s2']],
  ['tagsWin', 's1', ['s1']],
] as const)('rule 13, switch tagsAgainstField: %s', async (tagsAgainstField, value, tags) => {
  rig.sandbox.obey({ tagsAgainstField });
  const { id } = await rig.api.ticket();
  const { ticket } = (await rig.put(id, { tags: ['s1'], ...set([SEVERITY, 's2']) })).body;
  expect([rig.value(ticket, SEVERITY), ticket.tags]).toEqual([value, tags]);
});

test.each([
  ['ignored', ['a']],
  ['taken', ['a', 'b']],
] as const)('rule 13: additional_tags in a PUT, switch tagKeysInPut: %s', async (tagKeysInPut, tags) => {
  rig.sandbox.obey({ tagKeysInPut });
  const { id } = await rig.api.ticket({ tags: ['a'] });
  expect((await rig.put(id, { subject: 'S', additional_tags: ['b'] })).body.ticket.tags).toEqual(tags);
  await rig.api.done(
    await rig.api.put(`/tickets/update_many?ids=${id}`, { ticket: { additional_tags: ['c'] } }),
  );
  expect((await rig.ticket(id)).tags).toEqual([...tags, 'c']);
});

test('rule 13: without the rule, tags and fields are independent', async () => {
  rig.sandbox.obey({ optionTags: false });
  const { id, tags } = await rig.api.ticket(set([SEVERITY, 's1']));
  expect(tags).toEqual([]);
  expect(rig.value((await rig.put(id, { tags: ['s2'] })).body.ticket, SEVERITY)).toBe('s1');
});

test('rule 13: two options cannot share a tag', async () => {
  const field = {
    type: 'tagger',
    title: 'Other severity',
    custom_field_options: [{ name: 'One', value: 's1' }],
  };
  expect((await rig.api.post('/ticket_fields', { ticket_field: field })).status).toBe(422);
});

test('rule 13: a field that triage fills sets no tag; its event is by the user -1', async () => {
  const field = { type: 'tagger', title: 'Intent', custom_field_options: [{ name: 'I', value: 'intent_1' }] };
  const made = await rig.api.post('/ticket_fields', { ticket_field: field });
  const { id: fieldId } = made.body['ticket_field'] as { id: number };
  const { id } = await rig.api.ticket();
  rig.sandbox.channels.triage(id, fieldId, 'intent_1');
  const ticket = await rig.ticket(id);
  expect([rig.value(ticket, fieldId), ticket.tags]).toEqual(['intent_1', []]);
  expect((await rig.events(id)).at(-1)).toMatchObject({ updater_id: -1, via: 'Intelligent Triage' });
});

test('rule 14: a new ticket gets the tags of its requester and of its organization', async () => {
  const organization = await rig.api.organization({ name: 'Tagged', tags: ['gold'] });
  const user = { name: 'T', email: 't@t.example', organization_id: organization.id, tags: ['loud'] };
  const { id: requester_id } = (await rig.api.post('/users', { user })).body.user;
  const { tags } = await rig.api.ticket({ requester_id, tags: ['own'] });
  expect(tags).toEqual(['gold', 'loud', 'own']);
  rig.sandbox.obey({ inheritedTags: false });
  expect((await rig.api.ticket({ requester_id, tags: ['own'] })).tags).toEqual(['own']);
});

test('rule 14: triggers add tags, usually in the same audit', async () => {
  const trigger = {
    title: 'Tag it',
    conditions: { all: [{ field: 'update_type', operator: 'is', value: 'Create' }] },
    actions: [{ field: 'current_tags', value: 'triggered' }],
  };
  const made = (await rig.api.post('/triggers', { trigger })).body['trigger'] as { id: number };
  const { id, tags } = await rig.api.ticket({ tags: ['own'] });
  await rig.api.delete(`/triggers/${made.id}`);
  expect(tags).toEqual(['own', 'triggered']);
  const [event] = await rig.events(id);
  expect(event?.child_events.at(-1)).toMatchObject({
    event_type: 'Change',
    via: 'Rule',
    via_reference_id: made.id,
    rel: 'trigger',
    added_tags: ['triggered'],
    removed_tags: [],
  });
});

test('rule 14: Zendesk itself adds tags later', async () => {
  const { id } = await rig.api.ticket({ tags: ['own'] });
  rig.sandbox.channels.systemTag(id, 'system_email_notification_failure');
  expect((await rig.ticket(id)).tags).toEqual(['own', 'system_email_notification_failure']);
});

test.each([
  ['keepsOld', 200, 's1'],
  ['empties', 200, null],
  ['refused', 422, 's1'],
] as const)(
  'rule 15: a value that is no option, switch foreignOption: %s',
  async (foreignOption, status, value) => {
    const { id } = await rig.api.ticket(set([SEVERITY, 's1']));
    rig.sandbox.obey({ foreignOption });
    expect((await rig.put(id, set([SEVERITY, 's9']))).status).toBe(status);
    expect(rig.value(await rig.ticket(id), SEVERITY)).toBe(value);
  },
);

test('rule 15: a PUT that changes nothing adds no audit, and answers with an older one', async () => {
  const { id } = await rig.api.ticket({ subject: 'Same' });
  const audits = async () => (await rig.api.get(`/tickets/${id}/audits`)).body.audits;
  const before = await audits();
  rig.later();
  const { status, body } = await rig.put(id, { subject: 'Same' });
  expect([status, body.audit.id, body.ticket.updated_at]).toEqual([
    200,
    before.at(-1)?.id,
    (await rig.ticket(id)).created_at,
  ]);
  expect(await audits()).toEqual(before);
  rig.sandbox.obey({ emptyUpdate: false });
  expect((await rig.put(id, { subject: 'Same' })).body.audit.id).not.toBe(before.at(-1)?.id);
});

describe('rule 18', () => {
  const fieldOf = async () => {
    const options = [
      { name: 'One', value: 'one' },
      { name: 'Two', value: 'two' },
    ];
    const ticket_field = { type: 'tagger', title: 'Count', custom_field_options: options };
    const { body } = await rig.api.post('/ticket_fields', { ticket_field });
    return body['ticket_field'] as { id: number; custom_field_options: { id: number }[] };
  };
  const change = (id: number, ticket_field: object) => rig.api.put(`/ticket_fields/${id}`, { ticket_field });

  test('tickets do not show a deactivated field; its data returns on reactivation', async () => {
    const { id: fieldId } = await fieldOf();
    const { id } = await rig.api.ticket(set([fieldId, 'one']));
    await change(fieldId, { active: false });
    expect((await rig.ticket(id)).custom_fields.some((field) => field.id === fieldId)).toBe(false);
    expect((await rig.exported(id))?.custom_fields.some((field) => field.id === fieldId)).toBe(false);
    expect((await rig.api.get(`/ticket_fields/${fieldId}`)).body['ticket_field']).toMatchObject({
      active: false,
    });
    await change(fieldId, { active: true });
    expect(rig.value(await rig.ticket(id), fieldId)).toBe('one');
    await rig.api.delete(`/ticket_fields/${fieldId}`);
  });

  test('the data of a deleted field is lost', async () => {
    const { id: fieldId } = await fieldOf();
    const { id } = await rig.api.ticket(set([fieldId, 'one']));
    expect((await rig.api.delete(`/ticket_fields/${fieldId}`)).status).toBe(204);
    expect((await rig.api.get(`/ticket_fields/${fieldId}`)).status).toBe(404);
    const ticket = await rig.ticket(id);
    expect(ticket.custom_fields.some((field) => field.id === fieldId)).toBe(false);
    expect(ticket.tags).toEqual(['one']);
  });

  test('after the tag of an option changes, old tickets keep the old tag and have no value', async () => {
    const { id: fieldId, custom_field_options: options } = await fieldOf();
    const { id } = await rig.api.ticket(set([fieldId, 'one']));
    const renamed = { custom_field_options: [{ id: options[0]?.id, name: 'First', value: 'one' }] };
    await change(fieldId, renamed);
    expect(rig.value(await rig.ticket(id), fieldId)).toBe('one');
    await change(fieldId, { custom_field_options: [{ id: options[0]?.id, name: 'First', value: 'first' }] });
    const ticket = await rig.ticket(id);
    expect([rig.value(ticket, fieldId), ticket.tags]).toEqual([null, ['one']]);
    await rig.api.delete(`/ticket_fields/${fieldId}`);
  });

  test('organizations do not show a deactivated field', async () => {
    const { id, organization_fields: values } = await rig.api.organization({
      name: 'Fielded',
      organization_fields: { region: 'emea' },
    });
    expect(values).toMatchObject({ region: 'emea' });
    const fields = (await rig.api.get('/organization_fields')).body['organization_fields'];
    const region = (fields as { id: number; key: string }[]).find(({ key }) => key === 'region');
    const path = `/organization_fields/${region?.id}`;
    const shown = async () =>
      (await rig.api.get(`/organizations/${id}`)).body.organization.organization_fields;
    await rig.api.put(path, { organization_field: { active: false } });
    expect(await shown()).not.toHaveProperty('region');
    await rig.api.put(path, { organization_field: { active: true } });
    expect(await shown()).toMatchObject({ region: 'emea' });
  });
});

test('rule 48: fields show their options; some keys exist on system fields only', async () => {
  const list = (await rig.api.get('/ticket_fields')).body['ticket_fields'] as { id: number; type: string }[];
  expect(list.find(({ id }) => id === SEVERITY)).toMatchObject({
    removable: true,
    required: false,
    active: true,
    custom_field_options: expect.arrayContaining([
      expect.objectContaining({ name: 'S1', raw_name: 'S1', value: 's1', default: false }),
    ]) as unknown,
  });
  expect(list.find(({ type }) => type === 'priority')).toMatchObject({
    removable: false,
    system_field_options: expect.any(Array) as unknown,
  });
  expect(list.find(({ type }) => type === 'assignee')).toMatchObject({ required: true });
  const some = await rig.api.get(`/ticket_fields/show_many?ids=${SEVERITY},5`);
  expect(some.body['ticket_fields']).toHaveLength(1);
});
