/** Jest's own runner of one test file, which also counts what the file used. */
const runFile = require('jest-circus/runner').default;
const { countStarts, used } = require('./processorTime.cjs');

countStarts();

/** @returns jest's result with `used`: processor seconds (`children`: null where unknown) and process starts */
module.exports = async function measuredRunner(...args) {
  const before = used();
  const result = await runFile(...args);
  const after = used();
  result.used = {
    own: after.own - before.own,
    children: after.ended === null || before.ended === null ? null : after.ended - before.ended,
    starts: after.starts - before.starts,
  };
  return result;
};
