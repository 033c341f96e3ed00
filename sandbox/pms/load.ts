import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import type { PmsStore } from './store';

const rows = z.array(z.record(z.string(), z.unknown()));

/** Loads `people.json`, `customers.json`, `projects.json` and `notes.json` (arrays of request bodies); any may be missing. */
export async function loadPmsData(
  store: PmsStore,
  dir: string,
): Promise<{ customers: number; projects: number; notes: number; people: number }> {
  const read = (name: string) => {
    const file = path.join(dir, `${name}.json`);
    return existsSync(file) ? rows.parse(JSON.parse(readFileSync(file, 'utf8'))) : [];
  };
  const actor = store.findPerson('sync@pms.example')?.id ?? '';
  const people = read('people');
  for (const person of people) store.upsertPerson(person);
  const customers = read('customers');
  for (const customer of customers) store.create('customer', customer, actor);
  const projects = read('projects');
  for (const project of projects) store.create('project', project, actor);
  const notes = read('notes');
  for (const note of notes) store.create('note', note, actor);
  return {
    customers: customers.length,
    projects: projects.length,
    notes: notes.length,
    people: people.length,
  };
}
