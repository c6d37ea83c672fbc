// Descriptors on their way to a thread that has a table of its own.
import { StreamError } from "../errors.ts";
import { closeFile, EAGAIN, errno } from "../sys.ts";
import { openPair, prepareTable, receiveDescriptor, sendDescriptor } from "./sys.ts";

/** asm-generic/errno-base.h: nobody reads what is written. */
const EPIPE = 32;
/** asm-generic/errno.h: more descriptors on their way than the system allows. */
const ETOOMANYREFS = 109;
/** As long as the other thread may be busy. */
const TRIES_MAX = 2000;
const PAUSE_MS = 1;

/** The sender's end, and the other one's until that has its own copy. */
export class Outbox {
  #outbox: number;
  #inbox: number;

  /** @throws StreamError E_STREAM_SYSTEM without descriptors for it */
  constructor() {
    prepareTable();
    const ends = openPair();
    if (ends === undefined) throw new StreamError("E_STREAM_SYSTEM", "relay: a pair of sockets", errno());
    [this.#outbox, this.#inbox] = ends;
  }

  /** The other end, which the other thread takes with it. */
  get inbox(): number {
    return this.#inbox;
  }

  /** Hands a descriptor over under a number; here it is closed. False: nobody takes it. */
  async send(fd: number, tag: number): Promise<boolean> {
    let error = sendDescriptor(this.#outbox, fd, tag);
    for (let tries = 0; tries < TRIES_MAX && (error === EAGAIN || error === ETOOMANYREFS); tries += 1) {
      await Bun.sleep(PAUSE_MS);
      // Closed meanwhile: the number may be somebody else's by now.
      error = this.#outbox < 0 ? EPIPE : sendDescriptor(this.#outbox, fd, tag);
    }
    closeFile(fd);
    return error === 0;
  }

  /** The other thread has its copy. */
  taken(): void {
    if (this.#inbox >= 0) closeFile(this.#inbox);
    this.#inbox = -1;
  }

  close(): void {
    this.taken();
    if (this.#outbox >= 0) closeFile(this.#outbox);
    this.#outbox = -1;
  }
}

/** The receiver's end. */
export class Inbox {
  readonly #arrived = new Map<number, number>();

  constructor(private readonly socket: number) {}

  /** The descriptor that came under this number, or -1. */
  take(tag: number): number {
    for (let next = receiveDescriptor(this.socket); next !== undefined; next = receiveDescriptor(this.socket)) {
      this.#arrived.set(next.tag, next.fd);
    }
    const fd = this.#arrived.get(tag) ?? -1;
    this.#arrived.delete(tag);
    return fd;
  }

  close(): void {
    for (const fd of this.#arrived.values()) if (fd >= 0) closeFile(fd);
    closeFile(this.socket);
  }
}
