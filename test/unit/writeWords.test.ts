import { writeWords } from '../../src/sync/writeWords';

test('O9: the summary of a write in Temporal names properties, in one short line', () => {
  const write = { side: 'pms', op: 'update', rows: ['title', 'priority'] } as const;
  expect(writeWords({ ...write, rows: [...write.rows] }, 'project')).toBe(
    'PMS project: update title, priority',
  );
  expect(writeWords({ side: 'zendesk', op: 'archive', rows: [] }, 'ticket')).toBe('Zendesk ticket: archive');
  const many = Array.from({ length: 50 }, (_, n) => `property${n}`);
  expect(writeWords({ side: 'pms', op: 'create', rows: many }, 'project')).toHaveLength(120);
});
