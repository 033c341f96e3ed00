import { createRequire } from 'node:module';
import path from 'node:path';
import type { PmsAdapter } from '../systems/pmsAdapter';
import { profileAdapter } from '../systems/profile/profileSystem';
import { needsRefreshToken, needsUser } from '../systems/profile/profileAuth';
import { ConfigError, type Config } from './config';
import { loadProfile } from './loadProfile';

/**
 * The adapter of the PMS: a module if one is configured, otherwise a profile.
 *
 * @throws ConfigError with the fault
 */
export function loadPmsAdapter({
  pmsAdapter,
  pmsProfile,
  pmsUser,
  pmsRefreshToken,
}: Pick<Config, 'pmsAdapter' | 'pmsProfile' | 'pmsUser'> & {
  pmsRefreshToken?: string | undefined;
}): PmsAdapter {
  if (pmsAdapter !== undefined) return loadModule(pmsAdapter);
  const profile = loadProfile(pmsProfile);
  if (needsUser(profile.auth) && pmsUser === undefined)
    throw new ConfigError(
      `PMS_USER: found nothing, expected the name that belongs to PMS_TOKEN (${pmsProfile}: auth: ${profile.auth.by})`,
    );
  if (needsRefreshToken(profile.auth) && pmsRefreshToken === undefined)
    throw new ConfigError(
      `PMS_REFRESH_TOKEN: found nothing, expected the token by which access was granted (${pmsProfile}: auth: grant: refresh_token)`,
    );
  return profileAdapter(profile);
}

/** @param named a file, or a package that is installed in the working folder */
function loadModule(named: string): PmsAdapter {
  const require = createRequire(path.resolve('settings'));
  const at = /^[./]/.test(named) ? path.resolve(named) : named;
  const wrong = (found: string, expected: string) =>
    new ConfigError(`PMS_ADAPTER: ${named}: found ${found}, expected ${expected}`);
  let loaded: unknown;
  try {
    loaded = require(at);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const isMissing = code === 'MODULE_NOT_FOUND' && message.includes(`'${at}'`);
    throw isMissing
      ? wrong('no such module', 'a JavaScript file such as ./adapter.js, or an installed package')
      : wrong(`one that cannot be loaded (${message.split('\n')[0]})`, 'a module that loads');
  }
  const { adapter } = loaded as { adapter?: Partial<PmsAdapter> };
  if (adapter === null || typeof adapter !== 'object')
    throw wrong('no export "adapter"', 'export const adapter: PmsAdapter = { name, connect }');
  if (typeof adapter.name !== 'string' || typeof adapter.connect !== 'function')
    throw wrong(`an "adapter" with ${Object.keys(adapter).join(', ') || 'nothing'}`, 'name and connect');
  return adapter as PmsAdapter;
}
