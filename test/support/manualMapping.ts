import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parse, stringify } from 'yaml';
import { MAPPING_FILE } from './sandboxes';

/** The shipped mapping, with a ticket's title and due date that only a person decides about. @returns its file */
export function manualMapping(): string {
  const file = path.join(mkdtempSync(path.join(tmpdir(), 'zps-mapping-')), 'mapping.yaml');
  const input = parse(readFileSync(MAPPING_FILE, 'utf8')) as {
    entities: { TicketToProject: { properties: { pms: string; winner: string }[] } };
  };
  for (const row of input.entities.TicketToProject.properties)
    if (['title', 'dueDate'].includes(row.pms)) row.winner = 'manual';
  writeFileSync(file, stringify(input));
  return file;
}
