import type { EntityType, Side } from '../../sync/record';
import { NOTHING, type Check, type Line, type Outcome, type Result } from './checklistLine';

/** Collects the outcome of each line. A line that was never reached counts as failed. */
export class Recorder {
  private readonly outcomes = new Map<string, Outcome>();

  constructor(
    readonly lines: readonly Line[],
    private readonly onProgress: (done: number, all: number) => void = () => undefined,
  ) {
    for (const { id, cannot } of lines)
      if (cannot !== null) this.outcomes.set(id, { ...NOTHING, reason: cannot });
  }

  /** @returns the line, if it can be checked */
  line(entity: EntityType, row: string | null, from: Side, check: Check): Line | undefined {
    return this.lines.find(
      (line) =>
        line.entity === entity &&
        line.row === row &&
        line.from === from &&
        line.check === check &&
        line.cannot === null,
    );
  }

  set(line: Line | undefined, outcome: Outcome): void {
    if (!line) return;
    this.outcomes.set(line.id, outcome);
    this.onProgress(this.outcomes.size, this.lines.length);
  }

  /** @param why the reason for lines that were not reached */
  results(why = 'the check ended before it'): Result[] {
    return this.lines.map((line) => ({
      line,
      ...(this.outcomes.get(line.id) ?? {
        ...NOTHING,
        status: 'failed',
        reason: why,
      }),
    }));
  }
}
