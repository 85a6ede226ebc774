/** Which ports are free. Nothing is reserved: who needs a port takes it at once. */
import { createServer, type Server } from 'node:net'
import { ClinicError } from './clinic-error.ts'

/** Fails with a sentence where the port is taken. */
export async function requireFree(host: string, port: number): Promise<void> {
  const probe = await listen(host, port).catch((fault: unknown) => {
    throw portTaken(fault, port)
  })
  await close(probe)
}

/** The sentence for a taken port; every other fault as it is. */
export function portTaken(fault: unknown, port: number): unknown {
  const taken = fault instanceof Error && 'code' in fault && fault.code === 'EADDRINUSE'
  return taken
    ? new ClinicError(
        `Port ${port} is in use. Is the sample clinic running already? Stop the program that uses it, or choose other ports with --ports.`
      )
    : fault
}

async function listen(host: string, port: number): Promise<Server> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  return server
}

async function close(server: Server): Promise<void> {
  await new Promise<void>((resolve) => server.close(() => resolve()))
}
