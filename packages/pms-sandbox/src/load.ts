import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { KINDS, type Collection, type Fields } from './model';
import { Refusal } from './refusal';
import { SYNC_PERSON } from './server';
import type { Origin, PmsStore } from './store';

const rows = z.array(z.record(z.string(), z.unknown()));
const originSchema = z.object({
  id: z.string().optional(),
  createdAt: z.iso.datetime().optional(),
  archivedAt: z.iso.datetime().nullable().optional(),
  redacted: z.boolean().optional(),
});
/** Fields that the PMS sets; an export has them. Exports do not contain the content of attachments. */
const OWN = ['id', 'revision', 'createdAt', 'updatedAt', 'archivedAt', 'redacted', 'attachments'];
const PERSON_FIELDS = ['requesterId', 'assigneeId', 'authorId'];

/**
 * Loads `people.json`, `customers.json`, `projects.json` and `notes.json`; any may be missing. Each is an array of
 * request bodies, or of records as the API returns them: their ids and times are kept, and they may reference later
 * records. People are identified by e-mail; references to people with another id in the store are translated.
 */
export async function loadPmsData(
  store: PmsStore,
  dir: string,
): Promise<{ customers: number; projects: number; notes: number; people: number }> {
  const { person: sync } = store.people.upsert(SYNC_PERSON);
  const personIds = new Map<string, string>();
  const people = read(dir, 'people', ({ id, ...body }) => {
    const { person } = store.people.upsert(body);
    if (typeof id === 'string') personIds.set(id, person.id);
  });
  const load = (collection: Collection) =>
    read(dir, collection, (row) => {
      const origin = originSchema.parse(row) as Origin;
      const body = Object.fromEntries(Object.entries(row).filter(([key]) => !OWN.includes(key)));
      if (collection === 'customers') delete body['status'];
      for (const field of PERSON_FIELDS) {
        const known = personIds.get(String(body[field]));
        if (known !== undefined) body[field] = known;
      }
      store.import(KINDS[collection], body, origin, sync.id);
    });
  const counts = { people, customers: load('customers'), projects: load('projects'), notes: load('notes') };
  store.checkAllReferences();
  return counts;
}

/** @throws Error that names the file */
function listIn(file: string): Fields[] {
  try {
    return rows.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    const why = error instanceof SyntaxError ? error.message : 'expected a list of records';
    throw new Error(`${file}: ${why}`, { cause: error });
  }
}

/** @throws Error that names the file and the row */
function read(dir: string, name: string, take: (row: Fields) => void): number {
  const file = path.join(dir, `${name}.json`);
  if (!existsSync(file)) return 0;
  const found = listIn(file);
  found.forEach((row, n) => {
    try {
      take(row);
    } catch (error) {
      const why = error instanceof Refusal ? error.message : String(error);
      throw new Error(`${file}, row ${n}: ${why}`, { cause: error });
    }
  });
  return found.length;
}
