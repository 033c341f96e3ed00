import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { writesTo, type Mapping } from '../../sync/mapping';
import { ENTITY_TYPES, type RefKey, type SyncRecord, type Values } from '../../sync/record';
import { PreconditionFailed, RecordGone } from '../../systems/errors';
import type { ProfileSystem } from '../../systems/profile/profileSystem';
import { patiently, type FileContent, type PmsView, type Seen } from './publicApi';

/**
 * Uses a PMS like a person does, through the requests of its profile. This code knows no pairs, plans and links, and its
 * records carry no back-reference.
 */

const EDIT_TRIES = 10;

export class ProfileApi implements PmsView {
  readonly side = 'pms';

  constructor(
    private readonly system: ProfileSystem,
    private readonly mapping: Mapping,
  ) {}

  keepsFiles(kind: string): boolean {
    return this.system.keepsFiles(kind);
  }

  tellsEdits(kind: string): boolean {
    return this.system.tellsEdits(kind);
  }

  async options(): Promise<Map<string, string[]>> {
    const kinds = new Set(ENTITY_TYPES.map((type) => this.mapping.entities[type].kind.pms));
    const options = new Map<string, string[]>();
    for (const kind of kinds)
      for (const { name, custom } of await patiently(() => this.system.properties(kind)))
        if (custom?.options) options.set(`pms ${kind} ${name}`, custom.options);
    return options;
  }

  async create(kind: string, values: Values): Promise<Seen> {
    const key = `verify-${randomUUID()}`;
    return this.seen(
      await patiently(() => this.system.create(kind, values, { idempotencyKey: key, backRef: null })),
    );
  }

  /** Edits the present version, and repeats the edit if another edit was faster. */
  async edit(kind: string, id: string, values: Values): Promise<Seen> {
    for (let attempt = 1; ; attempt += 1) {
      const current = await this.record(kind, id);
      if (!current) throw new RecordGone(`pms:${kind}:${id} is gone`);
      try {
        const options = { version: current.version, backRef: null };
        return this.seen((await patiently(() => this.system.update(current.ref, values, options))).record);
      } catch (error) {
        if (!(error instanceof PreconditionFailed) || attempt === EDIT_TRIES) throw error;
      }
    }
  }

  async read(kind: string, id: string): Promise<Seen | null> {
    const record = await this.record(kind, id);
    return record && this.seen(record);
  }

  async find(kind: string, backRef: RefKey, parent: string | null): Promise<Seen[]> {
    const within = this.system.within(kind);
    const near: Values = within === null ? {} : { [within]: parent };
    return (await patiently(() => this.system.findByBackRef(kind, backRef, near))).map((each) =>
      this.seen(each),
    );
  }

  async remove(kind: string, id: string): Promise<void> {
    await patiently(() => this.system.remove({ side: 'pms', kind, id }));
  }

  /** If the PMS can change a comment, the sync sends no follow-up in place of an edit. */
  async followUps(): Promise<Map<string, string>> {
    return new Map();
  }

  async attach(kind: string, id: string, { name, content }: FileContent): Promise<void> {
    const file = { fileName: name, contentType: 'text/plain', size: content.length };
    const open = async () => ({ ...file, content: Readable.from([content]) });
    const options = {
      idempotencyKey: `verify-${randomUUID()}`,
      backRef: `verify:file:${name}`,
      isPublic: true,
    };
    await patiently(() => this.system.attach({ side: 'pms', kind, id }, open, options));
  }

  async redact(kind: string, id: string): Promise<void> {
    const current = await this.record(kind, id);
    if (current) await patiently(() => this.system.redact(current.ref, { version: current.version }));
  }

  /** If the profile creates people, naming one creates it; if it uses addresses, no person must exist. */
  async person(): Promise<void> {}

  /** New people remain, as a profile has no request to remove people. */
  async removePerson(): Promise<void> {}

  async personOf(email: string): Promise<{ email: string } | null> {
    for (const type of ENTITY_TYPES) {
      const { kind, rows } = this.mapping.entities[type];
      for (const row of rows) {
        if (row.type !== 'person' || row.pms === null || !writesTo(row, 'pms')) continue;
        const property = row.pms;
        if (!(await patiently(() => this.system.knows(kind.pms, property, email)))) return null;
      }
    }
    return { email };
  }

  private async record(kind: string, id: string): Promise<SyncRecord | null> {
    const [found] = await patiently(() => this.system.read([{ side: 'pms', kind, id }]));
    return found?.record ?? null;
  }

  private seen({ ref, values, attachments = [] }: SyncRecord): Seen {
    const files = attachments.map(({ id, fileName: name, size }) => ({
      id,
      name,
      size,
      content: async () => buffer((await this.system.openFile(ref, id)).content),
    }));
    return { id: ref.id, values, files };
  }
}
