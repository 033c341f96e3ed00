import { randomUUID } from 'node:crypto';
import * as pms from '../../../src/systems/profile/profileSystem';
import type { SystemPort } from '../../../src/systems/port';
import * as zendesk from '../../../src/systems/zendesk/zendeskSystem';

/**
 * Switches off the look-up by back-reference: whether a lost answer's record exists is guessed. Idempotency keys are as
 * if they had expired meanwhile (Zendesk keeps them for two hours), or they would stand in for it.
 */

const blind =
  <Arguments extends unknown[]>(connect: (...given: Arguments) => SystemPort) =>
  (...given: Arguments): SystemPort => {
    const real = connect(...given);
    const create = real.create.bind(real);
    return Object.assign(real, {
      findByBackRef: async () => [],
      create: (...[kind, values, options]: Parameters<SystemPort['create']>) =>
        create(kind, values, { ...options, idempotencyKey: randomUUID() }),
    });
  };

Object.assign(pms, { profileSystem: blind(pms.profileSystem) });
Object.assign(zendesk, { zendeskSystem: blind(zendesk.zendeskSystem) });
