import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { parseMapping } from '../../src/sync/mappingFile';
import { MAPPING_FILE, startSandboxes, type Sandboxes } from '../support/sandboxes';
import { testServers } from '../support/servers';
import { startStack, type Stack } from '../support/stack';

/** A ticket's satisfaction rating, from the export of Zendesk's sandbox to the project. */

const ROW = {
  zendesk: 'satisfaction_rating.score',
  pms: 'customFields.satisfaction',
  type: 'string',
  direction: 'toPms',
};

let boxes: Sandboxes;
let stack: Stack;

beforeAll(async () => {
  const input = parse(readFileSync(MAPPING_FILE, 'utf8')) as {
    entities: { TicketToProject: { properties: object[] } };
  };
  input.entities.TicketToProject.properties.push(ROW);
  boxes = await startSandboxes({ mapping: parseMapping(input, 'mapping.yaml', () => 'rated') });
  stack = await startStack(testServers(), boxes.mapping, boxes.systems);
});
afterAll(async () => {
  await boxes.close();
  await stack.stop();
});

const project = (ticketId: number) =>
  [...boxes.pms.store.all('project')].find(({ externalRef }) => externalRef === `zendesk:ticket:${ticketId}`);
const satisfaction = (ticketId: number) =>
  (project(ticketId)?.['customFields'] as Record<string, unknown> | undefined)?.['satisfaction'];

test('a rating arrives in the project, and an edit of it there is reverted', async () => {
  const made = await boxes.zd('POST', '/tickets', {
    ticket: {
      subject: 'Printer',
      comment: { body: 'It smokes.' },
      assignee_email: 'bob@sandbox.example',
      status: 'solved',
    },
  });
  const { id } = made['ticket'] as { id: number };
  await stack.settle();
  expect(satisfaction(id)).toBe('unoffered');

  boxes.zendesk.channels.rate(id, { score: 'offered' });
  await stack.settle();
  expect(satisfaction(id)).toBe('offered');

  boxes.zendesk.channels.rate(id, { score: 'bad', comment: 'Too late' });
  await stack.settle();
  expect(satisfaction(id)).toBe('bad');

  await boxes.pm('PATCH', `/projects/${project(id)?.id}`, { customFields: { satisfaction: 'good' } });
  await stack.settle();
  expect(satisfaction(id)).toBe('bad');
  expect(boxes.zendesk.store.tickets.get(id)?.satisfaction_rating).toMatchObject({ score: 'bad' });
});
