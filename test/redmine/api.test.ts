import { redmine } from './support/redmine';

/** Behaviour of Redmine that profiles/redmine.yaml relies on; Redmine's documentation does not describe all of it. */

const UNKNOWN_KEY = '0'.repeat(40);
let projectId: number;

beforeAll(async () => {
  const { project } = await redmine('POST', '/projects.json', {
    project: { name: 'Taken for granted', identifier: 'taken-for-granted' },
  });
  projectId = (project as { id: number }).id;
});

async function makeIssue(subject: string): Promise<{ id: number; updated_on: string }> {
  const made = await redmine('POST', '/issues.json', { issue: { project_id: projectId, subject } });
  return made['issue'] as { id: number; updated_on: string };
}

interface Journal {
  id: number;
  notes: string | null;
  private_notes: boolean;
}

async function read(id: number): Promise<{ updated_on: string; journals: Journal[] }> {
  const { issue } = await redmine('GET', `/issues/${id}.json?include=journals`);
  return issue as { updated_on: string; journals: Journal[] };
}

test('an unknown key is refused, also for reads', async () => {
  expect(await redmine('GET', '/users/current.json', undefined, UNKNOWN_KEY)).toMatchObject({ status: 401 });
  expect(await redmine('GET', '/projects.json', undefined, UNKNOWN_KEY)).toMatchObject({ status: 401 });
});

test('an identifier is unique; a custom field’s value may be repeated', async () => {
  const project = {
    name: 'Twice',
    identifier: 'zendesk-organization-7',
    custom_fields: [{ id: 6, value: 'zendesk:organization:7' }],
  };
  expect(await redmine('POST', '/projects.json', { project })).toMatchObject({ status: 201 });
  expect(await redmine('POST', '/projects.json', { project })).toEqual({
    status: 422,
    errors: ['Identifier has already been taken'],
  });
  const again = { ...project, identifier: 'another' };
  expect(await redmine('POST', '/projects.json', { project: again })).toMatchObject({ status: 201 });
  expect(await redmine('GET', '/projects.json?cf_6=zendesk:organization:7')).toMatchObject({
    total_count: 2,
  });
});

test('a note is found in its issue; a private note with a change is a separate journal', async () => {
  const { id } = await makeIssue('Notes');
  const issue = { notes: 'For us alone', private_notes: true, status_id: 2 };
  expect(await redmine('PUT', `/issues/${id}.json`, { issue })).toEqual({ status: 204 });
  const { journals } = await read(id);
  expect(journals.map(({ notes, private_notes }) => [notes ?? '', private_notes])).toEqual([
    ['', false],
    ['For us alone', true],
  ]);
});

test('an edit of a note does not change the time of its issue, and a note without text is removed', async () => {
  const { id } = await makeIssue('Edited notes');
  await redmine('PUT', `/issues/${id}.json`, { issue: { notes: 'First' } });
  const before = await read(id);
  const note = before.journals[0]?.id ?? 0;
  // Its times are whole seconds.
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  expect(await redmine('PUT', `/journals/${note}.json`, { journal: { notes: 'Second' } })).toEqual({
    status: 204,
  });
  const after = await read(id);
  expect(after.journals[0]?.notes).toBe('Second');
  expect(after.updated_on).toBe(before.updated_on);
  await redmine('PUT', `/journals/${note}.json`, { journal: { notes: '' } });
  expect((await read(id)).journals).toEqual([]);
});

test('the number of a deleted issue is not reused', async () => {
  const { id } = await makeIssue('Deleted');
  expect(await redmine('DELETE', `/issues/${id}.json`)).toEqual({ status: 204 });
  expect((await makeIssue('Next')).id).toBeGreaterThan(id);
});

test('an update with an old lock_version is refused without a message, and no answer shows the present one', async () => {
  const { id } = await makeIssue('Locked');
  await redmine('PUT', `/issues/${id}.json`, { issue: { subject: 'Locked, edited' } });
  const answer = await redmine('PUT', `/issues/${id}.json`, { issue: { subject: 'Old', lock_version: 0 } });
  expect(answer).toEqual({ status: 422, errors: [] });
  expect(JSON.stringify(await redmine('GET', `/issues/${id}.json`))).not.toContain('lock_version');
});
