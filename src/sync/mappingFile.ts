import type { z } from 'zod';
import { type EntityMapping, type Mapping, type OnRedact, type PropertyRow, type Transform } from './mapping';
import { mappingFileSchema, type RowInput, type TableInput } from './mappingSchema';
import { duplicateFaults, rowFaults, rowTitle } from './mappingFaults';
import type { EntityType } from './record';
import { expectedBy, fieldsAt, meant } from './schemaWords';

/** Parses the mapping file. */

/** What Zendesk calls the records of each entity. */
const ZENDESK_KINDS: Record<EntityType, string> = {
  OrgToCustomer: 'organization',
  TicketToProject: 'ticket',
  CommentToProject: 'comment',
};

/** The most characters of a found value in a message. */
const LONGEST = 60;

/** A mapping that cannot be used; the message has one line per fault, each naming file and row. */
export class MappingError extends Error {
  override readonly name = 'MappingError';
}

/**
 * @param input the parsed YAML file
 * @param file its name, for messages
 * @param versionOf gives a short digest of a text; injected because the core is pure
 * @param lineOf the line of a field, for messages; null if the input is from no file
 * @throws MappingError listing every fault found
 */
export function parseMapping(
  input: unknown,
  file: string,
  versionOf: (text: string) => string,
  lineOf?: LineOf,
): Mapping {
  const parsed = mappingFileSchema.safeParse(input);
  if (!parsed.success) {
    throw new MappingError(
      parsed.error.issues
        .map((issue) => describeIssue(placed(file, lineOf, issue.path), issue, input))
        .join('\n'),
    );
  }
  const { OrgToCustomer, TicketToProject, CommentToProject } = parsed.data.entities;
  const faults: string[] = [];
  const entity = (
    type: EntityType,
    table: TableInput,
    path: string,
    { onDelete, onRedact = 'none' }: { onDelete: EntityMapping['onDelete']; onRedact?: OnRedact },
  ) => {
    const rows = table.properties.map((row, i) => {
      const place = placed(file, lineOf, [...path.split('.'), 'properties', i]);
      const at = `${place}: ${path}.properties[${i}] (${rowTitle(row)})`;
      faults.push(...rowFaults(row).map((fault) => `${at}: ${fault}`));
      return toRow(row);
    });
    faults.push(...kindFaults(type, table, placed(file, lineOf, [...path.split('.'), 'zendesk']), path));
    faults.push(...duplicateFaults(rows, `${placed(file, lineOf, path.split('.'))}: ${path}`));
    return {
      entity: type,
      kind: { zendesk: table.zendesk, pms: table.pms },
      onDelete,
      onRedact,
      match: table.match,
      filter: table.filter,
      rows,
    };
  };
  const mode = CommentToProject.mode;
  // If there are two tables for comments, both are checked, so that a change of the mode does not reveal new faults.
  const tables = (['note', 'project'] as const).flatMap((each) => {
    const table = CommentToProject[each];
    const path = `entities.CommentToProject.${each}`;
    return table ? [[each, entity('CommentToProject', table, path, CommentToProject)] as const] : [];
  });
  const comments = new Map(tables).get(mode);
  if (!comments)
    throw new MappingError(
      `${file}: entities.CommentToProject.${mode}: found nothing, expected the table of "mode: ${mode}"`,
    );
  const entities = {
    OrgToCustomer: entity('OrgToCustomer', OrgToCustomer, 'entities.OrgToCustomer', OrgToCustomer),
    TicketToProject: entity('TicketToProject', TicketToProject, 'entities.TicketToProject', TicketToProject),
    CommentToProject: comments,
  };
  if (faults.length > 0) throw new MappingError(faults.join('\n'));
  return { version: versionOf(JSON.stringify(input)), entities, commentMode: mode };
}

function kindFaults(type: EntityType, { zendesk }: TableInput, at: string, path: string): string[] {
  const expected = ZENDESK_KINDS[type];
  return zendesk === expected ? [] : [`${at}: ${path}.zendesk: found "${zendesk}", expected ${expected}`];
}

/** The line of a field in the file. */
type LineOf = (path: readonly PropertyKey[]) => number;

function placed(file: string, lineOf: LineOf | undefined, path: readonly PropertyKey[]): string {
  return lineOf ? `${file}:${lineOf(path)}` : file;
}

function describeIssue(file: string, issue: z.core.$ZodIssue, input: unknown): string {
  let at = file;
  let found: unknown = input;
  const path: string[] = [];
  for (const step of issue.path) {
    found = (found as Record<PropertyKey, unknown> | undefined)?.[step];
    path.push(typeof step === 'number' ? `[${step}]` : `${path.length ? '.' : ''}${String(step)}`);
    // Name rows by their properties: nobody wants to count to the seventh entry.
    if (typeof step === 'number' && found && typeof found === 'object') path.push(` (${rowTitle(found)})`);
  }
  if (path.length > 0) at += `: ${path.join('')}`;
  if (issue.code === 'unrecognized_keys') {
    const fields = fieldsAt(mappingFileSchema, issue.path);
    return `${at}: unknown field ${issue.keys.map((key) => `"${key}"${meant(key, fields)}`).join(', ')}`;
  }
  const value = found === undefined || found === null ? 'nothing' : JSON.stringify(found);
  const shown = value.length > LONGEST ? `${value.slice(0, LONGEST)}…` : value;
  return `${at}: found ${shown}, ${expectedBy(issue, found, mappingFileSchema)}`;
}

/** The id of a row without an explicit one: from its PMS property, or from its Zendesk property if it has only that. */
export function rowIdOf(property: string): string {
  return property.replace(/\W+/g, '_');
}

function toRow(row: RowInput): PropertyRow {
  return {
    id: row.id ?? rowIdOf(row.pms ?? row.zendesk ?? ''),
    zendesk: row.zendesk ?? null,
    pms: row.pms ?? null,
    type: row.type,
    direction: row.direction,
    transform: toTransform(row),
    winner: row.winner,
    default: row.default,
    write: row.write,
    fixed:
      row.fixedOn && row.onEdit ? { side: row.fixedOn, onEdit: row.onEdit, except: row.except ?? [] } : null,
  };
}

function toTransform(row: RowInput): Transform {
  switch (row.transform) {
    case 'enum': {
      const pairs = Object.entries(row.table ?? {});
      // If several Zendesk values have one PMS value, the first counts in the other direction.
      const back = new Map<string, string>();
      for (const [zendesk, pms] of pairs) if (!back.has(pms)) back.set(pms, zendesk);
      return { kind: 'enum', toPms: new Map(pairs), toZendesk: back };
    }
    case 'person':
      return { kind: 'person' };
    case 'reference':
      return { kind: 'reference', entity: row.entity ?? 'OrgToCustomer', required: row.required ?? false };
    case 'constant':
      return { kind: 'constant', value: row.value ?? null };
    case 'template':
      return { kind: 'template', template: row.template ?? '' };
    case 'copy':
    case 'tags':
    case 'html':
      return { kind: row.transform };
  }
}
