import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parse, stringify } from 'yaml';
import { MAPPING_FILE } from './sandboxes';

/**
 * The shipped mapping, in which only a person decides the title and the due date of a ticket.
 * @param rows of tickets, in addition
 * @returns its file
 */
export function manualMapping(rows: readonly object[] = []): string {
  const file = path.join(mkdtempSync(path.join(tmpdir(), 'zps-mapping-')), 'mapping.yaml');
  const input = parse(readFileSync(MAPPING_FILE, 'utf8')) as {
    entities: { TicketToProject: { properties: { pms?: string; winner?: string }[] } };
  };
  const { properties } = input.entities.TicketToProject;
  for (const row of properties) if (['title', 'dueDate'].includes(row.pms ?? '')) row.winner = 'manual';
  properties.push(...rows);
  writeFileSync(file, stringify(input));
  return file;
}
