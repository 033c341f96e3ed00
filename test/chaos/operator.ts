import { execFile } from 'node:child_process';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { projectRoot } from '../../src/platform/embedded/serverCache';

export const CLI = path.join(projectRoot(), 'dist/src/operator/cli/main.js');
const ATTEMPTS = 10;
const PAUSE_MS = 1_000;
/** A command that takes longer is ended and given again. */
const ENDS_WITHIN_MS = 120_000;

/** A command that an operator gave again and again, and that never worked. */
export class OperatorFailed extends Error {}

/** Gives commands as docs/operations.md says, with the settings of the service. */
export class Operator {
  constructor(private readonly env: NodeJS.ProcessEnv) {}

  /**
   * Gives the command until it works.
   * @param last what it prints at its end: with it, the exit code 1 says that it found something to report
   * @throws OperatorFailed where it does not work
   */
  async run(command: readonly string[], last?: string): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      const { code, said } = await this.attempt(command);
      if (code === 0 || (code === 1 && last !== undefined && said.includes(last))) return;
      if (attempt === ATTEMPTS)
        throw new OperatorFailed(`operator: ${command.join(' ')} ended with ${code}: ${said}`);
      await sleep(PAUSE_MS);
    }
  }

  private async attempt(command: readonly string[]): Promise<{ code: number | null; said: string }> {
    return new Promise((resolve) => {
      const options = { env: this.env, timeout: ENDS_WITHIN_MS };
      const child = execFile(process.execPath, [CLI, ...command], options, (_, out, err) =>
        resolve({ code: child.exitCode, said: `${out}${err}`.trim() }),
      );
    });
  }
}
