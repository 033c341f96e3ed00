import { isNativeError } from 'node:util/types';
import { CommanderError } from 'commander';
import { isGrpcServiceError } from '@temporalio/client';
import { MongoError } from 'mongodb';
import { ConfigError } from '../../config/config';
import { NewerStore } from '../../links/migrations/storedSchema';
import {
  FolderInUse,
  NoAnswerError,
  NoServerError,
  ServerFailed,
} from '../../platform/embedded/embeddedServers';
import { MissingPackage } from '../../platform/optionalPackage';
import { systemFault } from '../../platform/systemErrors';
import { MappingError } from '../../sync/mappingFile';
import { NeedsHuman, RetryLater } from '../../systems/errors';
import { BadInput, Problem, Stopped } from '../operatorErrors';

/** What a failed command prints, and its exit code. A stack trace is for bugs alone. */
export interface Reported {
  /** Null where the message is printed already. */
  line: string | null;
  code: number;
}

/** Our own errors whose message is for the person who can correct an input. */
const MENDABLE = [
  ConfigError,
  MappingError,
  NewerStore,
  NoServerError,
  NoAnswerError,
  MissingPackage,
  BadInput,
];
/** Our own errors that tell of a state in which the command cannot be done. */
const STATES = [Problem, FolderInUse, ServerFailed, NeedsHuman, RetryLater];
/** As a shell counts a process that Ctrl-C has ended. */
const INTERRUPTED = 130;

/** @returns null for a bug */
export function reported(error: unknown): Reported | null {
  // Its message, or the help that was asked for, is printed already.
  if (error instanceof CommanderError) return { line: null, code: error.exitCode === 0 ? 0 : 2 };
  if (!isNativeError(error)) return null;
  if (STATES.some((kind) => error instanceof kind)) return { line: error.message, code: 1 };
  if (MENDABLE.some((kind) => error instanceof kind)) return { line: error.message, code: 2 };
  // Of the library that asks questions: its class differs from copy to copy, its name does not.
  if (error.name === 'ExitPromptError') return { line: 'stopped by Ctrl-C', code: INTERRUPTED };
  if (error instanceof Stopped) return { line: error.message, code: INTERRUPTED };
  const fault = systemFault(error);
  if (fault !== null) return { line: fault, code: 1 };
  if (error instanceof MongoError)
    return { line: `MONGODB_URI: ${firstLine(error)}; "zendesk-pms-sync doctor" looks at it`, code: 1 };
  const grpc = isGrpcServiceError(error) ? error : isGrpcServiceError(error.cause) ? error.cause : null;
  if (grpc)
    return {
      line: `TEMPORAL_ADDRESS: ${grpc.details || firstLine(grpc)}; "zendesk-pms-sync doctor" looks at it`,
      code: 1,
    };
  return null;
}

/** A program that reads no further (`| head`) ends ours, as it ends every program of a pipe; a command may put things away first. */
export function endWithReader(stream: NodeJS.WriteStream, end: () => void): void {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    if (!process.emit('SIGPIPE')) end();
  });
}

function firstLine({ message }: Error): string {
  return message.split('\n')[0] ?? '';
}
