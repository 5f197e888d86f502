import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { lookup } from 'node:dns/promises'
import { connect } from 'node:net'
import { listenError } from '../../origin/node/listen-error.ts'

/** Lower ports require a privilege. */
const FIRST_UNPRIVILEGED_PORT = 1_024
const CONNECT_TIMEOUT_MS = 1_000

/** The address on which a server will listen. */
interface Address {
  hostname: string
  /** 0: any free port. */
  port: number
}

/**
 * Checks that the address can be bound, and returns whether a server listens there now. It binds UDP, which has the
 * same rules for addresses and ports, so that no client reaches this process. Rejects with `listen_failed`.
 */
export async function checkAddress({ hostname, port }: Address): Promise<'free' | 'in_use'> {
  try {
    const { address, family } = await lookup(hostname)
    await bind(address, family, port < FIRST_UNPRIVILEGED_PORT ? port : 0)
    return port !== 0 && (await isAnswered(address, port)) ? 'in_use' : 'free'
  } catch (cause) {
    throw listenError(cause as NodeJS.ErrnoException, port, hostname)
  }
}

async function bind(address: string, family: number, port: number): Promise<void> {
  const socket = createSocket(family === 6 ? 'udp6' : 'udp4')
  try {
    socket.bind({ address, port, exclusive: true })
    await once(socket, 'listening')
  } catch (error) {
    // Another program's use of the UDP port does not matter.
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
  } finally {
    socket.close()
  }
}

/** Tries to connect. The wildcard address is replaced by loopback. */
async function isAnswered(host: string, port: number): Promise<boolean> {
  const socket = connect({ host, port, timeout: CONNECT_TIMEOUT_MS })
  socket.once('timeout', () => socket.destroy(new Error('no answer')))
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
