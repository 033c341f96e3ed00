import type { Command } from 'commander';
import type { PairSummary } from '../../../activities/types';
import type { LinkStore } from '../../../links/linkStore';
import { answerOf } from '../../answer';
import { recordOf } from '../../pairNames';
import { pairNamed } from '../../findPairs';
import type { CanonicalKey } from '../../../sync/canonicalKey';
import { common, tabular, waiting } from '../common';
import { withService, type CommonOptions, type Connected } from '../withService';
import { Problem } from '../../operatorErrors';
import { inParallel } from '../../../systems/inParallel';
import { paint, printJson, printTable } from '../output';

export interface WaitOptions extends CommonOptions {
  wait: number;
}

/** The answer of a pair. `failed`: the pair did not answer, and `reason` says why. */
export type Answered = PairSummary | { key: CanonicalKey; status: 'failed'; reason: string };

/** Pairs that are asked at the same time. More would not be faster, because the workers keep to the rate limits. */
const AT_ONCE = 5;

export function registerResync(program: Command): void {
  waiting(
    tabular(
      common(
        program
          .command('resync')
          .description('read both records of a pair again and sync them now')
          .argument(
            '<pair...>',
            'a record (zendesk:ticket:123) or a key (TicketToProject/zendesk:ticket:123)',
          ),
        'resync zendesk:ticket:123',
      ),
    ),
  ).action(async (pairs: string[], options: WaitOptions) =>
    withService(options, async (service) => {
      const keys: CanonicalKey[] = [];
      for (const pair of pairs) keys.push(await pairNamed(service, pair));
      printAnswers(await resyncAll(service, keys, options.wait), options);
    }),
  );
}

/** Asks each pair for a resync. A failure of one pair does not stop the others. */
export async function resyncAll(
  { client, commands, store }: Connected,
  keys: Iterable<CanonicalKey>,
  wait: number,
): Promise<Answered[]> {
  const answers = await inParallel([...new Set(keys)], AT_ONCE, async (key): Promise<Answered> => {
    try {
      return await answerOf(client, wait, () => commands.resync(key));
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      return { key, status: 'failed', reason: error.message };
    }
  });
  const whole = await Promise.all(answers.map((answer) => withWholeReason(store, answer)));
  return whole.sort((a, b) => (a.key < b.key ? -1 : 1));
}

/** A workflow returns a shortened reason, because histories must stay small; the link has all of it. */
export async function withWholeReason<T extends Answered>(store: LinkStore, answer: T): Promise<T> {
  if (answer.reason === null || answer.status === 'failed') return answer;
  const link = await store.get(answer.key);
  return link?.status === answer.status && link.reason ? { ...answer, reason: link.reason.text } : answer;
}

/** Prints the state of pairs; the exit code is 1 unless all of them are linked. */
export function printAnswers(answers: Answered[], { json }: CommonOptions): void {
  if (json) printJson(answers);
  else
    printTable(
      ['record', 'state', 'Zendesk', 'PMS', 'reason'],
      answers.map((answer) => [
        recordOf({ _id: answer.key }),
        answer.status,
        ('zendesk' in answer && answer.zendesk) || '—',
        ('pms' in answer && answer.pms) || '—',
        answer.reason ?? '',
      ]),
    );
  const inOrder = (answer: Answered) => answer.status === 'linked' && answer.reason === null;
  if (!answers.every(inOrder)) process.exitCode = 1;
}

/** Prints the state of one pair after a person's decision. */
export function printAnswer(answer: PairSummary, { json }: CommonOptions): void {
  if (json) return printJson(answer);
  const state = paint(answer.status === 'linked' ? 'green' : 'yellow', answer.status);
  process.stdout.write(
    `${answer.key}: ${state}${answer.reason === null ? '' : ` (${answer.reason})`}; Zendesk ${answer.zendesk ?? '—'} ↔ PMS ${answer.pms ?? '—'}\n`,
  );
}
