/**
 * Runs commands of the compiled program one after another in this process, which loads the program's modules once. A
 * command sees the settings, the folder and the arguments that it was sent, and its exit code is where it ends. What
 * only a process of its own shows (signals, a command that never ends) is for other tests.
 */
const path = require('node:path');
const { Command } = require('commander');

const MAIN = path.resolve(__dirname, '../../dist/src/operator/cli/main.js');
const parse = Command.prototype.parseAsync;

/** @returns a stream's `write` that keeps what is written */
function keeper(keep) {
  return (chunk, encoding, written) => {
    keep(chunk.toString());
    const done = typeof encoding === 'function' ? encoding : written;
    if (done) process.nextTick(done);
    return true;
  };
}

/** @returns exit code and output, as the process of that command would have them */
async function run({ args, env, cwd }) {
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, env);
  process.chdir(cwd);
  process.argv = [process.execPath, MAIN, ...args];
  process.exitCode = undefined;
  let out = '';
  let err = '';
  process.stdout.write = keeper((text) => (out += text));
  process.stderr.write = keeper((text) => (err += text));
  const code = await new Promise((resolve) => {
    process.exit = (given) => resolve(given ?? process.exitCode ?? 0);
    // Where it fails, the program says so and exits.
    Command.prototype.parseAsync = function (...given) {
      const parsed = parse.apply(this, given);
      parsed.then(
        () => resolve(process.exitCode ?? 0),
        () => undefined,
      );
      return parsed;
    };
    delete require.cache[MAIN];
    require(MAIN);
  });
  // A process of its own hears each stream once.
  for (const stream of [process.stdout, process.stderr]) stream.removeAllListeners('error');
  return { code, out, err };
}

process.on('message', (command) => {
  void run(command).then((ran) => process.send(ran));
});
// The test is over, however it ended.
const exit = process.exit;
process.on('disconnect', () => exit(0));
