import { refKey } from '../sync/canonicalKey';
import type { RecordRef } from '../sync/record';
import type { ReadResult, SystemPort } from './port';
import { isOfOneRecord, type Unreadable } from './unreadable';

/**
 * Reads records although some of them are unreadable. An unreadable record is not in the results, because it exists.
 */
export async function readApart(
  port: Pick<SystemPort, 'read'>,
  refs: RecordRef[],
): Promise<{ results: ReadResult[]; unreadable: Unreadable[] }> {
  try {
    return { results: await port.read(refs), unreadable: [] };
  } catch (error) {
    const [ref] = refs;
    if (!isOfOneRecord(error) || !ref) throw error;
    if (refs.length === 1)
      return { results: [], unreadable: [{ ref, name: refKey(ref), reason: error.message, bytes: 0 }] };
    const half = Math.ceil(refs.length / 2);
    const [first, second] = [
      await readApart(port, refs.slice(0, half)),
      await readApart(port, refs.slice(half)),
    ];
    return {
      results: [...first.results, ...second.results],
      unreadable: [...first.unreadable, ...second.unreadable],
    };
  }
}
