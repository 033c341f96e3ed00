// Loaded before a command by NODE_OPTIONS=--require: its clock is ahead by the milliseconds in ZPS_TEST_AHEAD_MS.
const ahead = Number(process.env.ZPS_TEST_AHEAD_MS);
const now = () => Reflect.apply(trueNow, trueDate, []) + ahead;
const trueDate = Date;
const trueNow = Date.now;
globalThis.Date = new Proxy(trueDate, {
  construct: (target, given, type) => Reflect.construct(target, given.length === 0 ? [now()] : given, type),
  get: (target, name) => (name === 'now' ? now : Reflect.get(target, name)),
});
