import { execFile } from 'node:child_process';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { projectRoot } from '../../src/platform/embedded/serverCache';

export const CLI = path.join(projectRoot(), 'dist/src/operator/cli/main.js');
const ATTEMPTS = 10;
const PAUSE_MS = 1_000;
/** A command that takes longer is stopped and repeated. */
const ENDS_WITHIN_MS = 120_000;

/** A command that the operator repeated and that never worked. */
export class OperatorFailed extends Error {}

/** Runs commands from docs/operations.md with the settings of the service. */
export class Operator {
  constructor(private readonly env: NodeJS.ProcessEnv) {}

  /**
   * Repeats the command until it works.
   * @param last the end of its output; with this output, exit code 1 means that it found something to report
   * @throws OperatorFailed if it does not work
   */
  async run(command: readonly string[], last?: string): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      const { code, output } = await this.attempt(command);
      if (code === 0 || (code === 1 && last !== undefined && output.includes(last))) return;
      if (attempt === ATTEMPTS)
        throw new OperatorFailed(`operator: ${command.join(' ')} ended with ${code}: ${output}`);
      await sleep(PAUSE_MS);
    }
  }

  private async attempt(command: readonly string[]): Promise<{ code: number | null; output: string }> {
    return new Promise((resolve) => {
      const options = { env: this.env, timeout: ENDS_WITHIN_MS };
      const child = execFile(process.execPath, [CLI, ...command], options, (_, out, err) =>
        resolve({ code: child.exitCode, output: `${out}${err}`.trim() }),
      );
    });
  }
}
