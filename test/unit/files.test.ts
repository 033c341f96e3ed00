import { fileWork, filesReason, mergeFiles, retryFailed, type LinkedFile } from '../../src/sync/pairFiles';
import type { Attachment, Side } from '../../src/sync/record';

const file = (id: string, over: Partial<Attachment> = {}): Attachment => ({
  id,
  fileName: `${id.slice(-1)}.txt`,
  contentType: 'text/plain',
  size: 3,
  redacted: false,
  ...over,
});
const toPms = (side: Side) => side === 'pms';
const states = (files: LinkedFile[]) => files.map(({ ids, state }) => [ids.zendesk, ids.pms, state]);

test('each file is copied to the side that lacks it', () => {
  const files = mergeFiles([], { zendesk: [file('z1')], pms: [file('p2')] }, toPms);
  expect(states(files)).toEqual([
    ['z1', undefined, 'pending'],
    [undefined, 'p2', 'pending'],
  ]);
  expect(fileWork(files)).toEqual([
    { op: 'attach', side: 'pms', source: 'z1', place: 0 },
    { op: 'attach', side: 'zendesk', source: 'p2', place: 1 },
  ]);
});

test('files that are on both sides are recognised by name and size, one to one', () => {
  const twice = [file('z1', { fileName: 'a' }), file('z2', { fileName: 'a' })];
  const files = mergeFiles([], { zendesk: twice, pms: [file('p1', { fileName: 'a' })] }, toPms);
  expect(states(files)).toEqual([
    ['z1', 'p1', 'copied'],
    ['z2', undefined, 'pending'],
  ]);
});

test('a shorter list of files changes nothing', () => {
  const files = mergeFiles([], { zendesk: [file('z1')], pms: [file('p1')] }, toPms);
  expect(mergeFiles(files, { zendesk: [], pms: [] }, toPms)).toEqual(files);
});

test('a redacted file is removed on the other side if the mapping says so, and never copied again', () => {
  const both = mergeFiles([], { zendesk: [file('z1')], pms: [file('p1')] }, toPms);
  const gone = file('z1', { fileName: 'redacted.txt', size: 0, redacted: true });
  const after = mergeFiles(both, { zendesk: [gone] }, toPms);
  expect(fileWork(after)).toEqual([{ op: 'detach', side: 'pms', source: 'p1', place: 0 }]);
  expect(states(mergeFiles(both, { zendesk: [gone] }, () => false))).toEqual([['z1', 'p1', 'ended']]);
  const ended = after.map((each) => ({ ...each, state: 'ended' as const }));
  expect(fileWork(mergeFiles(ended, { zendesk: [gone], pms: [] }, toPms))).toEqual([]);
});

test('a file that was redacted before it was copied is not copied', () => {
  const waiting = mergeFiles([], { zendesk: [file('z1')] }, toPms);
  const after = mergeFiles(waiting, { zendesk: [file('z1', { redacted: true })] }, toPms);
  expect(fileWork(after)).toEqual([]);
  expect(mergeFiles([], { zendesk: [file('z1', { redacted: true })] }, toPms)).toEqual([]);
});

test('a failed file is named, rests, and can be retried; so can a failed removal', () => {
  const [copy] = mergeFiles([], { zendesk: [file('z1')] }, toPms);
  const [pair] = mergeFiles([], { zendesk: [file('z2')], pms: [file('p2')] }, toPms);
  if (!copy || !pair) throw new Error('no files');
  const failed: LinkedFile[] = [
    { ...copy, state: 'failed', reason: 'too large' },
    { ...pair, state: 'failed', reason: 'no answer' },
  ];
  expect(fileWork(failed)).toEqual([]);
  expect(filesReason(failed)).toBe('attachment "1.txt": too large; attachment "2.txt": no answer');
  expect(fileWork(retryFailed(failed) ?? []).map(({ op }) => op)).toEqual(['attach', 'detach']);
  expect(retryFailed([copy])).toBeNull();
});
