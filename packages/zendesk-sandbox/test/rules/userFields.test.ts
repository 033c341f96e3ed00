import type { Fields } from '../../src';
import { Receiver } from '../support/receiver';
import { SEVERITY, SINCE, refusal, useSandbox } from '../support/rig';

const rig = useSandbox();
const receiver = new Receiver();
let count = 0;

afterAll(() => receiver.stop());

type Record_ = Fields & { id: number };
const field = async (given: object): Promise<Record_> => {
  const answer = await rig.api.post('/user_fields', { user_field: given });
  expect(answer.status).toBe(201);
  return answer.body['user_field'] as Record_;
};
const person = async (user: object = {}) => {
  const email = `f${(count += 1)}@x.example`;
  return (await rig.api.post('/users', { user: { name: 'F', email, ...user } })).body.user;
};

describe('rule 59', () => {
  test('a user field is a text by default, and has the keys of the live API', async () => {
    const made = await field({ key: 'plan', title: 'Plan', description: 'What they pay' });
    expect(made).toEqual({
      url: `${rig.sandbox.url}/api/v2/user_fields/${made.id}.json`,
      id: made.id,
      type: 'text',
      key: 'plan',
      title: 'Plan',
      raw_title: 'Plan',
      description: 'What they pay',
      raw_description: 'What they pay',
      position: 0,
      active: true,
      system: false,
      regexp_for_validation: null,
      created_at: expect.any(String) as string,
      updated_at: expect.any(String) as string,
    });
    expect((await rig.api.get('/user_fields')).body).toMatchObject({ user_fields: [made], count: 1 });
    expect((await rig.api.get(`/user_fields/${made.id}`)).body['user_field']).toEqual(made);
    const again = await rig.api.post('/user_fields', { user_field: { key: 'plan', title: 'P' } });
    expect(refusal(again)).toEqual({ status: 422, key: ['Key: plan has already been taken'] });
    for (const key of ['12', 'a b', undefined])
      expect((await rig.api.post('/user_fields', { user_field: { key, title: 'P' } })).status).toBe(422);
    const byBob = rig.api.as('bob@sandbox.example');
    expect((await byBob.put(`/user_fields/${made.id}`, { user_field: { title: 'T' } })).status).toBe(403);
  });

  test('all users show the active fields; unknown keys are ignored, and wrong values refused', async () => {
    const { id: seats } = await field({ key: 'seats', title: 'Seats', type: 'integer' });
    await field({ key: 'beta', title: 'Beta', type: 'checkbox', tag: 'beta' });
    const { id, user_fields: values } = await person({ user_fields: { seats: 3, unknown: 1 } });
    expect(values).toMatchObject({ seats: 3, beta: false });
    expect(values).not.toHaveProperty('unknown');
    const refused = await rig.api.put(`/users/${id}`, { user: { user_fields: { seats: 'many' } } });
    expect(Object.keys(refusal(refused))).toEqual(['status', 'seats']);
    const exported = (await rig.api.get(`/incremental/users/cursor?start_time=${SINCE}`)).body.users;
    expect(exported.find((each) => each.id === id)?.['user_fields']).toMatchObject({ seats: 3 });
    await rig.api.put(`/user_fields/${seats}`, { user_field: { active: false } });
    expect((await rig.api.get(`/users/${id}`)).body.user['user_fields']).not.toHaveProperty('seats');
    await rig.api.put(`/user_fields/${seats}`, { user_field: { active: true } });
    expect((await rig.api.get(`/users/${id}`)).body.user['user_fields']).toMatchObject({ seats: 3 });
    expect((await rig.api.delete(`/user_fields/${seats}`)).status).toBe(204);
    expect((await rig.api.get(`/users/${id}`)).body.user['user_fields']).not.toHaveProperty('seats');
  });

  test('a changed value sends a webhook', async () => {
    const { id: fieldId } = await field({ key: 'level', title: 'Level' });
    const { id } = await person();
    const endpoint = await receiver.start();
    const subscriptions = ['zen:event-type:user.custom_field_changed'];
    await rig.api.post('/webhooks', { webhook: { name: 'w', endpoint, subscriptions } });
    await rig.api.put(`/users/${id}`, { user: { user_fields: { level: 'gold' } } });
    expect((await receiver.of('user.custom_field_changed')).body.event).toMatchObject({
      current: 'gold',
      previous: null,
      field: { id: String(fieldId), title: 'Level', type: 'text' },
    });
  });
});

describe('rule 48: the options of a field', () => {
  const path = `/ticket_fields/${SEVERITY}/options`;
  const put = (option: object) => rig.api.post(path, { custom_field_option: option });
  const options = async () => (await rig.api.get(path)).body['custom_field_options'] as Record_[];

  test('are listed, shown, added, changed and deleted one by one', async () => {
    const [first] = await options();
    expect(first).toEqual({
      url: `${rig.sandbox.url}/api/v2${path}/${first?.id}.json`,
      id: first?.id,
      name: 'S1',
      raw_name: 'S1',
      value: 's1',
      position: 0,
    });
    expect((await rig.api.get(`${path}/${first?.id}`)).body['custom_field_option']).toEqual(first);
    const added = await put({ name: 'S5', value: 's5' });
    expect(added.status).toBe(201);
    const { id } = added.body['custom_field_option'] as Record_;
    expect(await options()).toHaveLength(5);
    const changed = await put({ id, name: 'Five', value: 's5' });
    expect(changed.status).toBe(200);
    expect(changed.body['custom_field_option']).toMatchObject({ id, name: 'Five', position: 4 });
    expect((await put({ name: 'Again', value: 's1' })).status).toBe(422);
    expect((await rig.api.delete(`${path}/${id}`)).status).toBe(204);
    expect(await options()).toHaveLength(4);
    expect((await rig.api.get(`${path}/${id}`)).status).toBe(404);
  });
});

test('rule 48: a form is deleted, but for the default', async () => {
  const { body } = await rig.api.post('/ticket_forms', { ticket_form: { name: 'Extra' } });
  const { id: form } = body['ticket_form'] as Record_;
  const { id } = await rig.api.ticket({ ticket_form_id: form });
  expect((await rig.api.delete(`/ticket_forms/${form}`)).status).toBe(204);
  expect(await rig.ticket(id)).toMatchObject({ ticket_form_id: null, deleted_ticket_form_id: form });
  const { ticket_forms: rest } = (await rig.api.get('/ticket_forms')).body;
  const [standard] = rest as Record_[];
  expect((await rig.api.delete(`/ticket_forms/${standard?.id}`)).status).toBe(422);
});
