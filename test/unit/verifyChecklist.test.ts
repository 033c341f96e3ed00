import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { parse } from 'yaml';
import { parseMapping } from '../../src/sync/mappingFile';
import { writesTo, type Mapping } from '../../src/sync/mapping';
import { ENTITY_TYPES, SIDES, otherSide } from '../../src/sync/record';
import { checklist } from '../../src/checks/verify/checklist';
import type { Line } from '../../src/checks/verify/checklistLine';
import { Recorder } from '../../src/checks/verify/verifyRecorder';
import { MAPPING_FILE } from '../support/sandboxes';

type Input = {
  entities: Record<string, { mode?: string; onRedact?: string; properties?: Record<string, unknown>[] }>;
};

function shipped(change: (entities: Input['entities']) => void = () => undefined): Mapping {
  const input = parse(readFileSync(MAPPING_FILE, 'utf8')) as Input;
  change(input.entities);
  return parseMapping(input, 'mapping.yaml', () => 'v');
}

const withMode = (mode: string) =>
  shipped((entities) => Object.assign(entities['CommentToProject'] ?? {}, { mode }));
const find = (lines: Line[], id: string) => lines.find((line) => line.id === id);

describe.each(['note', 'project'])('the checklist of the shipped mapping, mode %s', (mode) => {
  const mapping = withMode(mode);
  const lines = checklist(mapping);

  test('has every row in each of its directions: created, edited, emptied', () => {
    const wanted = ENTITY_TYPES.flatMap((entity) =>
      mapping.entities[entity].rows.flatMap((row) =>
        SIDES.filter((from) => writesTo(row, otherSide(from))).flatMap((from) => {
          const made = row.transform.kind === 'template';
          const at = entity === 'CommentToProject' ? `${entity}.${mode}` : entity;
          const checks = made ? ['create'] : ['create', 'edit', 'clear'];
          return checks.map((check) => `${at}/${row.id}/${from}-${otherSide(from)}/${check}`);
        }),
      ),
    );
    expect(wanted.length).toBeGreaterThan(100);
    expect(lines.map(({ id }) => id)).toEqual(expect.arrayContaining(wanted));
  });

  test('has no line twice, and none in a direction that its row does not have', () => {
    expect(new Set(lines.map(({ id }) => id)).size).toBe(lines.length);
    for (const { entity, row, from, check } of lines) {
      const rows = mapping.entities[entity].rows.filter((each) => each.id === row);
      if (row !== null && check !== 'putBack')
        expect(rows.some((each) => writesTo(each, otherSide(from)))).toBe(true);
    }
  });

  test('has a new pair from each side, for each entity', () => {
    for (const entity of ENTITY_TYPES)
      for (const from of SIDES)
        expect(
          lines.filter((line) => line.entity === entity && line.from === from && line.check === 'pair'),
        ).toHaveLength(1);
  });
});

test.each<[string, string | null]>([
  ['OrgToCustomer/name/zendesk-pms/clear', 'an organization must have a name'],
  ['OrgToCustomer/name/zendesk-pms/edit', null],
  ['OrgToCustomer/sharedProjects/pms-zendesk/clear', 'true or false, never empty'],
  // The row's default replaces an empty value.
  ['TicketToProject/title/zendesk-pms/clear', null],
  ['TicketToProject/title/pms-zendesk/clear', 'a project must have a title'],
  [
    'TicketToProject/description/zendesk-pms/edit',
    'a description is the first comment and cannot be changed',
  ],
  // Written as a follow-up.
  ['TicketToProject/description/pms-zendesk/edit', null],
  ['TicketToProject/requester/pms-zendesk/clear', 'a ticket always has a requester'],
  ['TicketToProject/channel/zendesk-pms/edit', 'set by Zendesk; nobody can change it'],
  ['TicketToProject/group/zendesk-pms/putBack', null],
  [
    'CommentToProject.note/author/zendesk-pms/edit',
    'set once, when the counterpart is created (write: create)',
  ],
  [
    'CommentToProject.note/*/pms-zendesk/redact',
    'the mapping repeats redactions otherwise (onRedact: toPms)',
  ],
])('%s: %s', (id, reason) => {
  expect(find(checklist(shipped()), id)).toMatchObject({ cannot: reason });
});

test('a rating cannot be checked, and its line says why', () => {
  const rating = {
    zendesk: 'satisfaction_rating.score',
    pms: 'customFields.satisfaction',
    type: 'string',
    direction: 'toPms',
  };
  const lines = checklist(shipped((entities) => entities['TicketToProject']?.properties?.push(rating)));
  expect(find(lines, 'TicketToProject/customFields_satisfaction/zendesk-pms/edit')).toMatchObject({
    cannot: 'set by Zendesk; nobody can change it',
  });
});

test('redactions are checked if the mapping syncs them', () => {
  const lines = checklist(
    shipped((entities) => Object.assign(entities['CommentToProject'] ?? {}, { onRedact: 'both' })),
  );
  expect(find(lines, 'CommentToProject.note/*/pms-zendesk/redact')).toMatchObject({ cannot: null });
});

test('a row of any kind has lines in its declared directions only, and a reason if they cannot be checked', () => {
  const row = fc.record({
    type: fc.constantFrom('string', 'text', 'integer', 'decimal', 'boolean', 'date', 'datetime', 'string[]'),
    direction: fc.constantFrom('both', 'toPms', 'toZendesk'),
    write: fc.constantFrom('always', 'create'),
    default: fc.constantFrom(undefined, null),
  });
  fc.assert(
    fc.property(row, ({ default: standing, ...more }) => {
      const own = {
        id: 'tried',
        zendesk: 'custom_fields.1',
        pms: 'customFields.a',
        ...more,
        ...(standing !== undefined && { default: standing }),
      };
      const mapping = shipped((entities) => entities['TicketToProject']?.properties?.push(own));
      const lines = checklist(mapping).filter((line) => line.row === 'tried');
      for (const from of SIDES) {
        const declared =
          more.direction === 'both' || more.direction === (from === 'zendesk' ? 'toPms' : 'toZendesk');
        const checks = lines.filter((line) => line.from === from).map(({ check }) => check);
        expect(checks).toEqual(expect.arrayContaining(declared ? ['create', 'edit', 'clear'] : []));
        expect(checks.length > 0).toBe(declared);
      }
      for (const { cannot } of lines) expect(cannot).not.toBe('');
      for (const line of lines.filter(({ check }) => check === 'edit'))
        expect(line.cannot === null).toBe(more.write === 'always');
    }),
  );
});

test('a line that the run did not reach is a failure', () => {
  const lines = checklist(shipped());
  const results = new Recorder(lines).results();
  expect(results).toHaveLength(lines.length);
  for (const { line, status, reason } of results)
    expect([status, reason]).toEqual(
      line.cannot === null ? ['failed', 'the check ended before it'] : ['not checked', line.cannot],
    );
});
