import { DefaultFailureConverter } from '@temporalio/common';

/** Moves a failure's message and stack into a payload, which the codec encrypts. Loaded by its path, by workflows too. */
export const failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true });
