/**
 * The HTTP server under the application: what it reads of a peer and for how long,
 * what it says to one that it can't read, and how it ends its work.
 */
import { readFileSync } from 'node:fs'
import type { RequestListener, Server, ServerResponse } from 'node:http'
import { createServer, STATUS_CODES } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import type { Config } from '../config/config.ts'
import { BARE_POLICY } from './security-headers.ts'

export const URL_LIMIT = 16 * 1024
export const HEADERS_LIMIT = 16 * 1024
/** In milliseconds: for a head to arrive, for a whole request, for a peer to take more of its answer. It is looked at every second. */
const SLOWEST = 10_000

export function createHttpServer(callback: RequestListener, tls: Config['listen']['tls'] = null): Server {
  const settings = {
    // Address and headers together; which of the two was too long is told apart in limits().
    maxHeaderSize: URL_LIMIT + HEADERS_LIMIT,
    headersTimeout: SLOWEST,
    requestTimeout: SLOWEST,
    keepAliveTimeout: 65_000, // longer than usual load balancers keep theirs, so that they never reuse one we close
    connectionsCheckingInterval: 1_000
  }
  const server = tls
    ? createTlsServer(
        {
          ...settings,
          handshakeTimeout: SLOWEST,
          minVersion: 'TLSv1.2',
          cert: readFileSync(tls.certFile),
          key: readFileSync(tls.keyFile)
        },
        callback
      )
    : createServer(settings, callback)
  server.maxHeadersCount = 100
  endUnread(server)
  server.on('clientError', refuseMalformed)
  return server
}

/** A peer that takes nothing of its answer for so long is cut off. One that waits for an answer may wait. */
function endUnread(server: Server): void {
  const answering = new WeakMap<Socket, number>()
  const count = (socket: Socket, change: number): void => void answering.set(socket, (answering.get(socket) ?? 0) + change)
  server.on('request', ({ socket }, res: ServerResponse) => {
    count(socket, 1)
    res.once('close', () => count(socket, -1))
  })
  server.setTimeout(SLOWEST, (socket) => {
    if (socket.writableLength > 0 || (answering.get(socket) ?? 0) === 0) socket.destroy()
  })
}

/** What no middleware ever sees: heads that can't be read, or not in time. */
function refuseMalformed(err: NodeJS.ErrnoException, socket: Duplex): void {
  if (err.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const status = err.code === 'HPE_HEADER_OVERFLOW' ? 431 : err.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Connection: close',
    'Content-Length: 0',
    'Cache-Control: no-store',
    'X-Content-Type-Options: nosniff',
    'X-Frame-Options: DENY',
    'Referrer-Policy: same-origin',
    `Content-Security-Policy: ${BARE_POLICY}`
  ]
  socket.end(`${lines.join('\r\n')}\r\n\r\n`)
}

export interface DrainTimes {
  /** For so long new requests are still taken, so that a load balancer can turn away before the listener closes. */
  delay: number
  /** What is still under way so long after that is cut. */
  patience: number
}

interface Draining {
  /** Ends every connection with its next answer, and after the delay the listener. In milliseconds. True: nothing was cut. */
  drain(times: DrainTimes): Promise<boolean>
}

/** Watches a server's requests from its start, because drain must tell each of them that its connection ends. */
export function drainable(server: Server): Draining {
  // By connection, which stays for many requests: a Set into which each answer goes and comes out again is made anew all the
  // time, and each that was left leads to the next, so that none of what they have ever held could go (V8's OrderedHashTable).
  const open = new Map<Socket, ServerResponse | undefined>()
  let isDraining = false
  let isClosing = false
  const endConnection = (res: ServerResponse) => {
    if (!res.headersSent) res.setHeader('Connection', 'close')
  }
  server.prependListener('request', ({ socket }, res: ServerResponse) => {
    if (!open.has(socket)) socket.once('close', () => open.delete(socket))
    // Of several on one connection the last: it is the one that ends it.
    open.set(socket, res)
    if (isDraining) endConnection(res)
    res.once('close', () => {
      if (open.get(socket) === res) open.set(socket, undefined)
      // Whose head was already written kept its connection: now it is idle.
      if (isClosing) setImmediate(() => server.closeIdleConnections())
    })
  })

  function close(patience: number): Promise<boolean> {
    isClosing = true
    return new Promise((resolve) => {
      let isClean = true
      const timer = setTimeout(() => {
        isClean = false
        server.closeAllConnections()
      }, patience)
      server.close(() => {
        clearTimeout(timer)
        resolve(isClean)
      })
      server.closeIdleConnections()
    })
  }

  return {
    async drain({ delay, patience }) {
      isDraining = true
      for (const res of open.values()) if (res) endConnection(res)
      // Idle connections stay until then: what closes one may meet a request that is on its way over it.
      if (delay > 0) await wait(delay)
      return close(patience)
    }
  }
}
