/**
 * Jest's module loader, with one change: installed packages, and ours that are built, are loaded by Node once for all test
 * files of a process. Jest would read, compile and warm up the Temporal SDK, the MongoDB driver and some hundred
 * other packages for each file again. `src` and `test` are still loaded afresh for each file.
 */
const { createRequire } = require('node:module');
const vm = require('node:vm');
const JestRuntime = require('jest-runtime').default;

/** Jest gives each file its own, with the file's state. */
const JESTS_OWN = /^(@jest\/|expect$)/;
const SHARED = /[\\/]node_modules[\\/]|[\\/]packages[\\/][^\\/]+[\\/]dist[\\/]/;

class SharingRuntime extends JestRuntime {
  constructor(...args) {
    super(...args);
    const { executor } = this;
    executor.compile = (source, filename) =>
      vm.compileFunction(source, executor.injectedModuleParameters, {
        filename,
        importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
      });
  }

  /** Jest replaces `process.getBuiltinModule` of a file's own `process`; here it is the process's. */
  installGetBuiltinModule() {}

  requireModuleOrMock(from, name) {
    if (this.isShared(from, name)) return createRequire(from)(name);
    return super.requireModuleOrMock(from, name);
  }

  isShared(from, name) {
    if (this._resolution.isCoreModule(name) || JESTS_OWN.test(name)) return false;
    if (this.mockState.shouldMockCjs(from, name).shouldMock) return false;
    // A stub is what `moduleNameMapper` names.
    return (
      this._resolution.resolveCjsStub(from, name) === null &&
      SHARED.test(this._resolution.resolveCjs(from, name))
    );
  }
}

module.exports = { __esModule: true, default: SharingRuntime };
