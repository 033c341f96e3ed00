import { runChaos } from './run';

/** The short form of `npm run test:chaos`: two episodes with fixed commands. */
test('two systems agree after edits, faults and kills', async () => {
  const lines: string[] = [];
  const result = await runChaos({
    seed: 104,
    minutes: 10,
    episodes: 2,
    commands: 40,
    accident: 'none',
    shrinkMinutes: 0,
    say: (line) => void lines.push(line),
  });
  // The lines name the episode, the violation, and the command that repeats it.
  expect(result.violations.length === 0 ? [] : lines).toEqual([]);
  expect(result.episodes).toBe(2);
  expect(Object.values(result.edits).reduce((sum, count) => sum + count, 0)).toBeGreaterThan(5);
}, 600_000);
