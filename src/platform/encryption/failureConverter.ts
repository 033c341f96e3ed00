import { DefaultFailureConverter } from '@temporalio/common';

/** Moves a failure's message and stack into a payload, which the codec encrypts. Temporal loads this file by its path. */
export const failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true });
