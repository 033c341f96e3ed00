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

/** Error codes by which an adapter reports that its system lacks a feature. */
const NOT_OFFERED = /^(cannot_\w+|attachment_refused|immutable|unknown_kind|unsupported|unsupported_match)$/;
const REPORTED_ERRORS = [
  AlreadyExists,
  NeedsHuman,
  PreconditionFailed,
  RecordGone,
  ReferenceGone,
  RetryLater,
];

/** Collects the result of each check. */
export class Recorder {
  readonly results: Judged[] = [];

  constructor(
    /** Called after each check. */
    private readonly afterCheck: (check: CheckId, subject: string) => Promise<void>,
  ) {}

  /** Gathers evidence and judges it. Reports a refusal by the system; throws any other error, as it is a bug. */
  async try<C extends CheckId>(check: C, subject: string, work: () => Promise<Evidence[C]>): Promise<void> {
    const judgement = await this.judgementOf(check, work);
    this.set(check, subject, judgement);
    await this.afterCheck(check, subject);
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
      if (error instanceof Error && REPORTED_ERRORS.some((kind) => error instanceof kind))
        return notDone(error.message);
      throw error;
    }
  }
}

/** Whether an error reports that the system lacks a feature. */
export function isNotOffered(error: unknown): boolean {
  return error instanceof NeedsHuman && NOT_OFFERED.test(error.code);
}
