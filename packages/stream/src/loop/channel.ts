// One direction of a connection: octets from one socket to the other, as fast as the slower of both. A few go through
// a buffer that all channels share; once a channel has passed more than that, its octets pass through a pipe and never
// enter the process.
import { errno, receive, send, shutdownWrite } from "../sockets/current.ts";
import { EAGAIN, EINTR, spliceOctets } from "../sys.ts";
import type { Pipe, Pipes } from "./pipes.ts";

/** What channels of one thread share. */
export interface ChannelShared {
  readonly pipes: Pipes;
  readonly scratch: Uint8Array;
  readonly scratchAt: number;
}

/** "waiting": for either socket; "more": it could go on, others are first; "filled": its quota is used up. */
export type ChannelState = "waiting" | "more" | "filled" | "done" | "broken";

/** Octets after which a channel is worth a pipe. */
const BULK_BYTES = 64 * 1024;
/** Turns before others have theirs. */
const TURNS_MAX = 16;

export class Channel {
  /** There may be something to read. */
  readable = true;
  /** There may be room. */
  writable = true;
  /** The end of the source was announced: it is there behind the last octet, and nobody will say so again. */
  isHung = false;
  /** Octets that may still pass. */
  quota = Number.POSITIVE_INFINITY;
  /** Octets taken from the source. */
  bytes = 0;
  /** The end of the source was read. */
  ended = false;
  /** Whether the end is passed on to the sink. */
  closesSink = true;
  #done = false;
  #waiting: Uint8Array | undefined;
  #pipe: Pipe | undefined;
  #piped = 0;

  constructor(
    readonly source: number,
    readonly sink: number,
    private readonly shared: ChannelShared,
  ) {}

  get isDone(): boolean {
    return this.#done;
  }

  /** Octets that were taken from the source elsewhere, before all that follows. */
  push(octets: Uint8Array): void {
    if (octets.length === 0) return;
    this.#waiting = this.#waiting === undefined ? octets.slice() : Buffer.concat([this.#waiting, octets]);
  }

  /** Moves what can be moved. */
  run(): ChannelState {
    if (this.#done) return "done";
    for (let turn = 0; turn < TURNS_MAX; turn += 1) {
      const flushed = this.flush();
      if (flushed !== "empty") return flushed === "full" ? "waiting" : "broken";
      if (this.ended) return this.#finish();
      if (this.quota === 0) return this.#rest("filled");
      if (!this.readable) return this.#rest("waiting");
      if (!this.#move()) return "broken";
    }
    return "more";
  }

  /** Sends what was read before and found no room. */
  flush(): "empty" | "full" | "broken" {
    while (this.#waiting !== undefined) {
      if (!this.writable) return "full";
      this.shared.scratch.set(this.#waiting.subarray(0, this.shared.scratch.length));
      const sent = this.#send(Math.min(this.#waiting.length, this.shared.scratch.length));
      if (sent < 0) return "broken";
      this.#waiting = sent < this.#waiting.length ? this.#waiting.subarray(sent) : undefined;
    }
    while (this.#pipe !== undefined && this.#piped > 0) {
      if (!this.writable) return "full";
      const sent = spliceOctets(this.#pipe.reading, this.sink, this.#piped, false);
      if (sent > 0) this.#piped -= sent;
      else if (!this.#mayTryAgain("writable")) return "broken";
    }
    return "empty";
  }

  /** Gives back what it borrowed; what lies in it is lost. */
  drop(): void {
    if (this.#pipe === undefined) return;
    if (this.#piped === 0) this.shared.pipes.give(this.#pipe);
    else this.shared.pipes.discard(this.#pipe);
    this.#pipe = undefined;
    this.#waiting = undefined;
  }

  /** False: the source or the sink is broken. */
  #move(): boolean {
    if (this.bytes >= BULK_BYTES) this.#pipe ??= this.shared.pipes.take();
    return this.#pipe === undefined ? this.#copy() : this.#fill(this.#pipe);
  }

  #copy(): boolean {
    const room = Math.min(this.shared.scratch.length, this.quota);
    const bytes = receive(this.source, this.shared.scratchAt, room);
    if (!this.#took(bytes)) return bytes >= 0 || this.#mayTryAgain("readable");
    if (bytes < room && !this.isHung) this.readable = false;
    const sent = this.writable ? this.#send(bytes) : 0;
    if (sent < 0) return false;
    if (sent < bytes) this.#waiting = this.shared.scratch.slice(sent, bytes);
    return true;
  }

  #fill(pipe: Pipe): boolean {
    const bytes = spliceOctets(this.source, pipe.writing, Math.min(pipe.bytes, this.quota), false);
    if (!this.#took(bytes)) return bytes >= 0 || this.#mayTryAgain("readable");
    this.#piped = bytes;
    return true;
  }

  /** Enters what was read; 0 octets are the end. */
  #took(bytes: number): boolean {
    if (bytes === 0) this.ended = true;
    if (bytes <= 0) return false;
    this.bytes += bytes;
    this.quota -= bytes;
    return true;
  }

  /** How many of the scratch's first octets left, -1: the sink is broken. */
  #send(bytes: number): number {
    const sent = send(this.sink, this.shared.scratchAt, bytes);
    if (sent < 0) return this.#mayTryAgain("writable") ? 0 : -1;
    if (sent < bytes) this.writable = false;
    return sent;
  }

  /** After a call that failed: whether only nothing was there, or no room. */
  #mayTryAgain(side: "readable" | "writable"): boolean {
    const error = errno();
    if (error === EINTR) return true;
    if (error !== EAGAIN) return false;
    this[side] = false;
    return true;
  }

  #rest(state: ChannelState): ChannelState {
    this.drop();
    return state;
  }

  #finish(): ChannelState {
    this.drop();
    this.#done = true;
    if (this.closesSink) shutdownWrite(this.sink);
    return "done";
  }
}
