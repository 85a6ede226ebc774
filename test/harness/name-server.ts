/** A DNS server that gives one answer to everything, or none. RFC 1035 §4.1 */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'

export interface NameServer {
  address: string
  /** How many questions it was asked. */
  asked(): number
  stop(): Promise<void>
}

const A = 1

/** `addresses` of every name, IPv4; undefined: it never answers. */
export async function startNameServer(addresses: () => readonly string[] | undefined): Promise<NameServer> {
  const socket = createSocket('udp4')
  let asked = 0
  socket.on('message', (question, { port, address }) => {
    asked += 1
    const found = addresses()
    if (found) socket.send(answerTo(question, found), port, address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return {
    address: `127.0.0.1:${socket.address().port}`,
    asked: () => asked,
    async stop() {
      socket.close()
      await once(socket, 'close')
    }
  }
}

function answerTo(question: Buffer, addresses: readonly string[]): Buffer {
  let end = 12
  while (question[end]) end += (question[end] ?? 0) + 1
  end += 5
  const isA = question.readUInt16BE(end - 4) === A
  const records = (isA ? addresses : []).map((address) =>
    // A pointer to the name in the question, type A, class IN, a life of no time, four bytes.
    Buffer.from([0xc0, 12, 0, A, 0, 1, 0, 0, 0, 0, 0, 4, ...address.split('.').map(Number)])
  )
  const header = Buffer.from([question[0] ?? 0, question[1] ?? 0, 0x81, 0x80, 0, 1, 0, records.length, 0, 0, 0, 0])
  return Buffer.concat([header, question.subarray(12, end), ...records])
}
