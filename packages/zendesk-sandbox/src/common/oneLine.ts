/** The error that ended a program, in one line without a stack: a port in use or a wrong file is no bug. */
export function oneLine(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code, syscall, address, port } = error as NodeJS.ErrnoException & {
    address?: string;
    port?: number;
  };
  if (syscall === 'listen')
    return code === 'EADDRINUSE'
      ? `--port: ${address}:${port} is in use; stop what listens there, or give another port`
      : `--port: cannot listen on ${address}:${port} (${code})`;
  return error.message.split('\n')[0] ?? '';
}
