import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { faultsOf, tryConformance } from 'zendesk-pms-sync/adapter/testing';
import { loadPmsAdapter } from '../../src/config/loadAdapter';
import { ConfigError } from '../../src/config/config';
import { RpcPms } from '../support/rpcPms';

/**
 * Adapters written by users: the example of docs/adapter.md, tested as its author would test it, and loading a
 * module.
 */

const EXAMPLE = path.resolve(__dirname, '../../examples/rpcAdapter.ts');
const mappingFile = path.resolve(__dirname, '../../examples/mapping.yaml');
const load = (pmsAdapter: string) => loadPmsAdapter({ pmsAdapter, pmsProfile: 'contract' });

describe('the example adapter', () => {
  let pms: RpcPms;
  beforeEach(async () => void (pms = await new RpcPms().start()));
  afterEach(() => pms.close());
  const conform = () =>
    tryConformance(load(EXAMPLE).connect({ baseUrl: pms.url, token: 't' }), {
      mappingFile,
      timeoutSeconds: 1,
    });

  test('keeps its promises, and leaves no records behind', async () => {
    const conformance = await conform();
    expect(faultsOf(conformance)).toEqual([]);
    expect(conformance.results.length).toBeGreaterThan(20);
    expect(conformance.cleanup.leftBehind).toEqual([]);
    expect(pms.of('job').filter(({ closed }) => !closed)).toEqual([]);
    const off = conformance.results.filter(({ verdict }) => verdict === 'off').map(({ check }) => check);
    expect(new Set(off)).toEqual(
      new Set(['feed', 'feedOrder', 'feedSince', 'redact', 'followUp', 'file', 'detach', 'fileRepeat']),
    );
  });

  test('is caught when its system breaks a promise', async () => {
    pms.ignoresRevisions = true;
    const faults = faultsOf(await conform());
    expect(faults.filter((fault) => !/^\w+ precondition lies: /.test(fault))).toEqual([]);
    expect(faults).not.toEqual([]);
  });
});

describe('a module that is not an adapter', () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'zps-adapter-'));
  const file = (name: string, text: string) => {
    writeFileSync(path.join(dir, name), text);
    return path.join(dir, name);
  };

  test.each([
    ['does not exist', () => path.join(dir, 'none.js'), /found no such module, expected a JavaScript file/],
    ['throws', () => file('throws.js', 'throw new Error("no luck")'), /cannot be loaded \(no luck\)/],
    [
      'imports a missing module',
      () => file('needs.js', 'require("nowhere-at-all")'),
      /cannot be loaded \(.*nowhere-at-all/,
    ],
    [
      'exports nothing',
      () => file('empty.js', ''),
      /found no export "adapter", expected export const adapter/,
    ],
    [
      'exports something else',
      () => file('other.js', 'exports.adapter = { name: "x" }'),
      /with name, expected name and connect/,
    ],
  ])('%s', (_, name, message) => {
    expect(() => load(name())).toThrow(message);
    expect(() => load(name())).toThrow(ConfigError);
  });
});
