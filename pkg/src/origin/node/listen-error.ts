import { PortcullisError } from '../../errors.ts'

/**
 * Returns the error for an address to which a server cannot bind; `detail` is the system's code, such as `EADDRINUSE`.
 */
export function listenError(cause: NodeJS.ErrnoException, port: number, hostname: string): PortcullisError {
  const detail = cause.code ?? 'unknown'
  return new PortcullisError('listen_failed', sentence(detail, port, hostname), { cause, detail })
}

function sentence(code: string, port: number, hostname: string): string {
  const where = `port ${port} on ${hostname}`
  switch (code) {
    case 'EADDRINUSE':
      return `${where} is in use: stop the process that listens there, or choose another port`
    case 'EACCES':
      return `${where} needs more rights than this user has: choose a port above 1023`
    case 'EADDRNOTAVAIL':
      return `${hostname} is not an address of this machine: choose one that is, or 0.0.0.0 for all`
    case 'ENOTFOUND':
      return `${hostname} has no address: choose an address of this machine, or 0.0.0.0 for all`
    default:
      return `cannot listen on ${where} (${code})`
  }
}
