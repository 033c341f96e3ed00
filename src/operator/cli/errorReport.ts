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
import {
  AlreadyExists,
  NeedsHuman,
  PreconditionFailed,
  RecordGone,
  ReferenceGone,
  RetryLater,
} from '../../systems/errors';
import { BadInput, Problem, Stopped } from '../operatorErrors';
import { commandLine } from '../../platform/commandLine';

/** The output and the exit code of a failed command. Only a bug has a stack trace. */
export interface Reported {
  /** Null if the message was printed already. */
  line: string | null;
  code: number;
}

/**
 * Errors that the operator can correct: a setting, the mapping, an argument, a missing package or server, a store of
 * a later release. The message has the fix. Exit code 2.
 */
const CORRECTABLE = [
  ConfigError,
  MappingError,
  NewerStore,
  NoServerError,
  NoAnswerError,
  MissingPackage,
  BadInput,
];
/** Errors that report why the command cannot be carried out at present. Exit code 1. */
const STATES = [
  Problem,
  FolderInUse,
  ServerFailed,
  NeedsHuman,
  RetryLater,
  // Refusals of a system, outside of a pair.
  ...[AlreadyExists, PreconditionFailed, RecordGone, ReferenceGone],
];
/** The exit code that a shell reports for a process that Ctrl-C has ended. */
const INTERRUPTED = 130;

/** @returns null for a bug */
export function reported(error: unknown): Reported | null {
  // Commander has printed the message, or the help, already.
  if (error instanceof CommanderError) return { line: null, code: error.exitCode === 0 ? 0 : 2 };
  if (!isNativeError(error)) return null;
  if (STATES.some((kind) => error instanceof kind)) return { line: error.message, code: 1 };
  if (CORRECTABLE.some((kind) => error instanceof kind)) return { line: error.message, code: 2 };
  // The library that asks questions (inquirer) may be installed more than once, so that its class differs. The name is
  // the same in each copy.
  if (error.name === 'ExitPromptError') return { line: 'stopped by Ctrl-C', code: INTERRUPTED };
  if (error instanceof Stopped) return { line: error.message, code: INTERRUPTED };
  const fault = systemFault(error);
  if (fault !== null) return { line: fault, code: 1 };
  if (error instanceof MongoError)
    return { line: `MONGODB_URI: ${firstLine(error)}; "${commandLine('doctor')}" tests it`, code: 1 };
  const grpc = isGrpcServiceError(error) ? error : isGrpcServiceError(error.cause) ? error.cause : null;
  if (grpc)
    return {
      line: `TEMPORAL_ADDRESS: ${grpc.details || firstLine(grpc)}; "${commandLine('doctor')}" tests it`,
      code: 1,
    };
  return null;
}

/**
 * Ends the command when the program at the other end of the pipe (`| head`) stops reading, as is usual for programs in
 * a pipe. A command that listens to SIGPIPE can clean up first.
 */
export function endWithReader(stream: NodeJS.WriteStream, end: () => void): void {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    if (!process.emit('SIGPIPE')) end();
  });
}

function firstLine({ message }: Error): string {
  return message.split('\n')[0] ?? '';
}
