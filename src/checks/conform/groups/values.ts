import type { Json, SyncRecord, Values } from '../../../sync/record';
import { NeedsHuman } from '../../../systems/errors';
import { isNotOffered } from '../conformRecorder';
import type { Probe } from '../probe';
import type { Subject } from '../subjects';
import { trialsOf, type Trial } from '../trials';
import type { Evidence } from '../evidence';
import { shown, valueOn, type Tools } from './tools';

/** Checks that each property that the mapping writes keeps the written value, and can be emptied. */
export async function checkValues({ probe, recorder, people }: Tools, subject: Subject): Promise<void> {
  await recorder.try('values', subject.name, async () => {
    const { trials, untried } = trialsOf(subject, probe, await peopleFor(probe, subject, people));
    return new ValueCheck(probe, subject, trials, untried).run();
  });
}

/** People whom the system knows: the people named on the command line, and those on existing records. */
async function peopleFor(probe: Probe, subject: Subject, named: readonly string[]): Promise<string[]> {
  if (named.length > 1 || subject.personProperties.length === 0) return [...named];
  const { records } = await probe.call(() => probe.port.walk(subject.kind, null, null));
  const found = records.flatMap(({ values }) =>
    subject.personProperties.flatMap((property) => {
      const value = values[property];
      return typeof value === 'string' ? [value] : [];
    }),
  );
  return [...new Set([...named, ...found])];
}

class ValueCheck {
  private readonly faults: string[] = [];
  private readonly refused: string[] = [];
  private readonly counts = new Map<string, number>();

  constructor(
    private readonly probe: Probe,
    private readonly subject: Subject,
    private readonly trials: readonly Trial[],
    private readonly untried: string[],
  ) {}

  async run(): Promise<Evidence['values']> {
    const made = await this.atCreation((trial) => trial.value);
    const fixed = this.trials.filter(({ canEdit }) => !canEdit);
    // A property that is written only at creation needs a second record for its second value.
    if (fixed.some(({ others }) => others.length > 0))
      await this.atCreation(({ value, others, canEdit }) => (canEdit ? value : (others[0]?.value ?? value)));
    if (made && this.trials.some(({ canEdit }) => canEdit)) await this.edits(made);
    return {
      tried: [...this.counts].map(([name, count]) => `${name} (${count})`),
      faults: this.faults,
      refused: this.refused,
      untried: this.untried,
    };
  }

  /** Tests all properties in one create. If the create is refused, the edits test them one by one. */
  private async atCreation(valueOf: (trial: Trial) => Json): Promise<SyncRecord | null> {
    const { probe, subject } = this;
    const own = Object.fromEntries(this.trials.map((trial) => [trial.name, valueOf(trial)]));
    const made = await this.unlessRefused('all of them at creation', () =>
      probe.create(subject, { values: { ...subject.values(probe.words()), ...own } }),
    );
    if (!made) return probe.create(subject);
    const found = await probe.read(made);
    for (const [name, value] of Object.entries(own)) this.compare(name, 'at creation', value, found);
    return made;
  }

  private async edits(made: SyncRecord): Promise<void> {
    for (const { name, canEdit, value, others, empty } of this.trials) {
      if (!canEdit) continue;
      const steps = [
        ...others,
        ...(empty === undefined ? [] : [{ what: 'empty', value: empty }]),
        { what: 'again', value },
      ];
      for (const step of steps) if (!(await this.edit(made, name, step.what, step.value))) return;
    }
  }

  /** @returns false if records of the kind cannot be edited */
  private async edit(made: SyncRecord, name: string, what: string, value: Json): Promise<boolean> {
    const changes: Values = { [name]: value };
    try {
      const done = await this.unlessRefused(`${name} ${what}`, () => this.probe.update(made, changes));
      if (done) this.compare(name, what, value, await this.probe.read(made));
      return true;
    } catch (error) {
      if (!isNotOffered(error)) throw error;
      this.untried.push('edits: such records cannot be changed');
      return false;
    }
  }

  private compare(name: string, what: string, wrote: Json, found: SyncRecord | null): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
    const value = found ? valueOn(found, name) : undefined;
    if (this.subject.same(name, wrote, value)) return;
    const hint = what === 'empty' ? ' (if it is never empty, say `required: true`)' : '';
    this.faults.push(`${name}, ${what}: wrote ${shown(wrote)}, found ${shown(value)}${hint}`);
  }

  /** @returns null if the system refuses a value; a refusal is no fault */
  private async unlessRefused<T>(what: string, work: () => Promise<T>): Promise<T | null> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof NeedsHuman) || isNotOffered(error) || error.code === 'unauthorized') throw error;
      this.refused.push(what);
      return null;
    }
  }
}
