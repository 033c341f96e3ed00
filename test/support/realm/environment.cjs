/**
 * A test file's surroundings: the globals of the process itself, where Jest's own environment makes a realm of its own for
 * each file. In one realm an Error or a Date is the same class for the tests and for what `runtime.cjs` loads once.
 */
const { ModernFakeTimers } = require('@jest/fake-timers');
const { ModuleMocker } = require('jest-mock');

/** What Jest and its runner leave on the globals, and would find there in the next file. */
const JEST_GLOBALS = [Symbol.for('EVENT_HANDLERS')];

class ProcessEnvironment {
  constructor({ projectConfig }) {
    this.global = globalThis;
    this.moduleMocker = new ModuleMocker(globalThis);
    this.fakeTimers = null;
    this.fakeTimersModern = new ModernFakeTimers({ config: projectConfig, global: globalThis });
    // Jest replaces both for the file.
    this.before = { console: globalThis.console, exit: process.exit, env: { ...process.env } };
  }

  exportConditions() {
    return ['node', 'node-addons'];
  }

  async setup() {}

  async teardown() {
    this.fakeTimersModern.dispose();
    globalThis.console = this.before.console;
    process.exit = this.before.exit;
    for (const name of Object.keys(process.env)) if (!(name in this.before.env)) delete process.env[name];
    Object.assign(process.env, this.before.env);
    for (const name of JEST_GLOBALS) delete globalThis[name];
  }

  /** Jest asks whether there is one; `runtime.cjs` compiles in the process's own. */
  getVmContext() {
    return {};
  }
}

module.exports = ProcessEnvironment;
