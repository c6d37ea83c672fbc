// A transfer there and one back over one connection, each end with a digest of its own of what it sent and got:
//
//   there:  | octets, be64 | content |
//   back:   | SHA-256 of what came | content | SHA-256 of it |
import { connect, createServer, type Socket } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { contentOf } from "./content.ts";

const HEADER_BYTES = 8;
const DIGEST_BYTES = 32;
const SEED_THERE = 1;
const SEED_BACK = 2;

/** Digests of both ends, in hexadecimal, and how long the whole took. */
export interface Transfer {
  readonly sentThere: string;
  readonly cameThere: string;
  readonly sentBack: string;
  readonly cameBack: string;
  readonly seconds: number;
}

/** Answers every transfer that comes to the address. */
export async function serveTransfers(address: string, port: number): Promise<void> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    answer(socket).catch((error: unknown) => console.error(String(error)));
  });
  await new Promise<void>((resolve) => server.listen(port, address, resolve));
}

/** Sends so many octets to the address and takes as many from there. */
export async function transfer(address: string, port: number, bytes: number): Promise<Transfer> {
  const begin = Bun.nanoseconds();
  const socket = connect({ host: address, port, allowHalfOpen: true });
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeBigUInt64BE(BigInt(bytes));
  const there = new Bun.CryptoHasher("sha256");
  const sending = pipeline(Readable.from(hashed(there, header, SEED_THERE, bytes)), socket, { end: false });
  const came = new Incoming(socket);
  const cameThere = (await came.take(DIGEST_BYTES)).toString("hex");
  const cameBack = await came.digest(bytes);
  const sentBack = (await came.take(DIGEST_BYTES)).toString("hex");
  await sending;
  socket.end();
  const seconds = (Bun.nanoseconds() - begin) / 1e9;
  return { sentThere: there.digest("hex"), cameThere, sentBack, cameBack, seconds };
}

async function answer(socket: Socket): Promise<void> {
  const came = new Incoming(socket);
  const bytes = Number((await came.take(HEADER_BYTES)).readBigUInt64BE());
  const digest = Buffer.from(await came.digest(bytes), "hex");
  const back = new Bun.CryptoHasher("sha256");
  await pipeline(Readable.from(hashed(back, digest, SEED_BACK, bytes)), socket, { end: false });
  socket.end(back.digest());
}

/** What stands before the content, and the content, which goes into the digest. */
function* hashed(hasher: Bun.CryptoHasher, head: Buffer, seed: number, bytes: number): Generator<Uint8Array> {
  yield head;
  for (const block of contentOf(seed, bytes)) {
    hasher.update(block);
    yield block;
  }
}

/** What comes in by a socket, in pieces of the reader's choice. */
class Incoming {
  readonly #chunks: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(socket: Socket) {
    this.#chunks = socket[Symbol.asyncIterator]();
  }

  async take(bytes: number): Promise<Buffer> {
    const pieces: Buffer[] = [];
    await this.#each(bytes, (piece) => void pieces.push(piece));
    return Buffer.concat(pieces);
  }

  /** SHA-256 of the next octets, in hexadecimal. */
  async digest(bytes: number): Promise<string> {
    const hasher = new Bun.CryptoHasher("sha256");
    await this.#each(bytes, (piece) => void hasher.update(piece));
    return hasher.digest("hex");
  }

  async #each(bytes: number, visit: (piece: Buffer) => void): Promise<void> {
    for (let left = bytes; left > 0;) {
      if (this.#rest.length === 0) {
        const next = await this.#chunks.next();
        if (next.done === true) throw new Error(`transfer: expected ${left} octets more, found the end`);
        this.#rest = next.value;
      }
      const piece = this.#rest.subarray(0, left);
      visit(piece);
      this.#rest = this.#rest.subarray(piece.length);
      left -= piece.length;
    }
  }
}
