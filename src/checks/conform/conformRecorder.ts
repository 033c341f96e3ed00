import {
  AlreadyExists,
  NeedsHuman,
  PreconditionFailed,
  RecordGone,
  ReferenceGone,
  RetryLater,
} from '../../systems/errors';
import type { CheckId } from './checks';
import type { Evidence } from './evidence';
import { judge, notDone, notOffered, type Judged, type Judgement } from './verdict';

/** With these codes an adapter says that its system has no such thing. */
const NOT_OFFERED = /^(cannot_\w+|attachment_refused|immutable|unknown_kind|unsupported|unsupported_match)$/;
const TOLD = [AlreadyExists, NeedsHuman, PreconditionFailed, RecordGone, ReferenceGone, RetryLater];

/** Keeps what came of each check. */
export class Recorder {
  readonly results: Judged[] = [];

  constructor(
    /** Done after each check. */
    private readonly then: (check: CheckId, subject: string) => Promise<void>,
  ) {}

  /** Gathers evidence and judges it. A refusal of the system is reported; any other error is a bug, and thrown. */
  async try<C extends CheckId>(check: C, subject: string, work: () => Promise<Evidence[C]>): Promise<void> {
    const judgement = await this.judgementOf(check, work);
    this.set(check, subject, judgement);
    await this.then(check, subject);
  }

  set(check: CheckId, subject: string, judgement: Judgement): void {
    this.results.push({ check, subject, ...judgement });
  }

  private async judgementOf<C extends CheckId>(
    check: C,
    work: () => Promise<Evidence[C]>,
  ): Promise<Judgement> {
    try {
      return judge(check, await work());
    } catch (error) {
      if (error instanceof NeedsHuman && isNotOffered(error)) return notOffered(check, error.message);
      if (error instanceof Error && TOLD.some((kind) => error instanceof kind)) return notDone(error.message);
      throw error;
    }
  }
}

/** Whether an adapter says that its system has no such thing. */
export function isNotOffered(error: unknown): boolean {
  return error instanceof NeedsHuman && NOT_OFFERED.test(error.code);
}
