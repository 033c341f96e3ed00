import { BSON } from 'mongodb';

/**
 * MongoDB's wire protocol, as far as a proxy reads and writes it.
 * https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/
 */

export type Doc = Record<string, unknown>;

/** A request or an answer. */
export interface WireMessage {
  requestId: number;
  responseTo: number;
  /** The command, or the answer to one, including its document sequences. */
  body: Doc;
  /** An unacknowledged write, which gets no answer. */
  isOneWay: boolean;
  /** The handshake of a driver that does not know the server's protocol yet. */
  isLegacy: boolean;
}

const HEADER = 16;
const OP_REPLY = 1;
const OP_QUERY = 2004;
const OP_MSG = 2013;
const MORE_TO_COME = 2;

/** Splits the data of a socket into messages. */
export class WireReader {
  private rest = Buffer.alloc(0);

  take(chunk: Buffer): WireMessage[] {
    this.rest = Buffer.concat([this.rest, chunk]);
    const messages: WireMessage[] = [];
    while (this.rest.length >= HEADER) {
      const length = this.rest.readInt32LE(0);
      if (this.rest.length < length) break;
      messages.push(parse(this.rest.subarray(0, length)));
      this.rest = this.rest.subarray(length);
    }
    return messages;
  }
}

function parse(message: Buffer): WireMessage {
  const common = { requestId: message.readInt32LE(4), responseTo: message.readInt32LE(8) };
  const opCode = message.readInt32LE(12);
  if (opCode === OP_MSG) {
    const isOneWay = (message.readUInt32LE(HEADER) & MORE_TO_COME) !== 0;
    return { ...common, body: sections(message.subarray(HEADER + 4)), isOneWay, isLegacy: false };
  }
  // After four bytes of flags: a name that ends in zero, and two numbers; or a cursor and two numbers.
  const at = opCode === OP_QUERY ? message.indexOf(0, HEADER + 4) + 1 + 8 : HEADER + 20;
  if (opCode !== OP_QUERY && opCode !== OP_REPLY) throw new Error(`found opcode ${opCode}`);
  return { ...common, body: document(message, at), isOneWay: false, isLegacy: true };
}

function sections(bytes: Buffer): Doc {
  let body: Doc = {};
  const sequences: Doc = {};
  for (let at = 0; at < bytes.length;) {
    const kind = bytes[at];
    const start = at + 1;
    const end = start + bytes.readInt32LE(start);
    if (kind === 0) body = document(bytes, start);
    else {
      const nameEnd = bytes.indexOf(0, start + 4);
      const documents: Doc[] = [];
      for (let next = nameEnd + 1; next < end; next += bytes.readInt32LE(next))
        documents.push(document(bytes, next));
      sequences[bytes.toString('utf8', start + 4, nameEnd)] = documents;
    }
    at = end;
  }
  return { ...body, ...sequences };
}

function document(bytes: Buffer, at: number): Doc {
  const length = bytes.readInt32LE(at);
  return BSON.deserialize(bytes.subarray(at, at + length), {
    promoteValues: false,
    promoteBuffers: false,
    bsonRegExp: true,
  });
}

/** A request in the form of a driver after the handshake. */
export function requestBytes(requestId: number, body: Doc): Buffer {
  const bson = BSON.serialize(body);
  const rest = Buffer.alloc(5);
  return withHeader(requestId, 0, OP_MSG, Buffer.concat([rest, bson]));
}

/** The answer to a request, in the form of the request. */
export function answerBytes({ requestId, isLegacy }: WireMessage, body: Doc): Buffer {
  const bson = BSON.serialize(body);
  if (!isLegacy) return withHeader(0, requestId, OP_MSG, Buffer.concat([Buffer.alloc(5), bson]));
  const rest = Buffer.alloc(20);
  rest.writeInt32LE(1, 16);
  return withHeader(0, requestId, OP_REPLY, Buffer.concat([rest, bson]));
}

function withHeader(requestId: number, responseTo: number, opCode: number, rest: Buffer): Buffer {
  const header = Buffer.alloc(HEADER);
  header.writeInt32LE(HEADER + rest.length, 0);
  header.writeInt32LE(requestId, 4);
  header.writeInt32LE(responseTo, 8);
  header.writeInt32LE(opCode, 12);
  return Buffer.concat([header, rest]);
}
