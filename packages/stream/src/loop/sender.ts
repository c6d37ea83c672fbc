// Carries out a plan on a socket, step by step, each in a segment of its own. Decides nothing.
import type { Step } from "../plan/plan.ts";
import { closeFile, errno, send, sendUrgent, setHops, unsentBytes } from "../sockets/current.ts";
import { addressOf, EAGAIN, EINTR, memoryFile, overwrite, sendFile } from "../sys.ts";

/** What a sender needs of the loop. */
export interface SenderHost {
  /** Calls `act` after so many milliseconds. */
  later(ms: number, act: () => void): void;
}

/** How often, and for how long each time, a sender waits until the system has sent what it was given. */
const UNSENT_TURNS_MAX = 30;
const UNSENT_WAIT_MS = 1;
/** A page that is on its way to the wire must not change yet: the far end of a veth reads it in place. */
const SWAP_WAIT_MS = 5;
/** The system's own hop limit. */
const OWN_HOPS = -1;

export type SenderState = "waiting" | "done" | "broken";

export class Sender {
  #step = 0;
  #offset = 0;
  #turns = 0;
  #file = -1;
  #isSwapDue = false;
  #isPaused = false;
  #phase: "send" | "drain" | "settle" = "send";

  /** @param wake runs the sender's owner again */
  constructor(
    private readonly fd: number,
    private readonly family: number,
    private readonly steps: readonly Step[],
    private readonly host: SenderHost,
    private readonly wake: () => void,
  ) {}

  /** Goes on as far as it can; "waiting" means that it wakes its owner, or that the socket has no room. */
  run(): SenderState {
    for (;;) {
      const step = this.steps[this.#step];
      if (step === undefined) return "done";
      if (this.#isPaused) return "waiting";
      if (this.#phase === "send" && !this.#send(step)) return this.#isBroken ? "broken" : "waiting";
      if (this.#phase === "drain" && !this.#drain(step)) return "waiting";
      if (this.#phase === "settle") this.#settle(step);
    }
  }

  /** Lets go of what it holds, whether it is done or not. */
  drop(): void {
    if (this.#file >= 0) closeFile(this.#file);
    this.#file = -1;
  }

  #isBroken = false;

  #send(step: Step): boolean {
    const { octets, urgent, hops, decoy } = step;
    if (this.#offset === 0 && hops !== undefined) setHops(this.fd, this.family, hops);
    if (decoy !== undefined && this.#offset === 0 && !this.#sendDecoy(decoy)) return false;
    while (this.#offset < octets.length) {
      const at = addressOf(octets) + this.#offset;
      const left = octets.length - this.#offset;
      const sent = urgent ? sendUrgent(this.fd, at, left) : send(this.fd, at, left);
      if (sent < 0 && !this.#mayTryAgain()) return false;
      if (sent > 0) this.#offset += sent;
    }
    this.#phase = "drain";
    this.#turns = 0;
    return true;
  }

  /** The decoy's pages are what leaves first; what of them found no room is sent as it should be. */
  #sendDecoy(decoy: Uint8Array): boolean {
    if (this.#file < 0) {
      this.#file = memoryFile();
      // Without a file the octets leave as they are.
      if (this.#file < 0 || overwrite(this.#file, decoy) !== 0) return true;
    }
    const sent = sendFile(this.fd, this.#file, decoy.length);
    if (sent < 0) return this.#mayTryAgain();
    this.#offset = sent;
    this.#isSwapDue = true;
    return true;
  }

  /** Waits until what was given to the system has left: the next step must not join it, nor a hop limit miss it. */
  #drain({ waitMs }: Step): boolean {
    const isLast = this.#step === this.steps.length - 1;
    const mustLeave = !isLast || this.#isSwapDue || this.steps[this.#step]?.hops !== undefined;
    if (mustLeave && unsentBytes(this.fd) > 0 && this.#turns < UNSENT_TURNS_MAX) {
      this.#turns += 1;
      this.#pause(UNSENT_WAIT_MS);
      return false;
    }
    this.#phase = "settle";
    const wait = Math.max(waitMs, this.#isSwapDue ? SWAP_WAIT_MS : 0);
    if (wait === 0) return true;
    this.#pause(wait);
    return false;
  }

  #settle({ octets, hops }: Step): void {
    if (this.#isSwapDue) overwrite(this.#file, octets);
    this.#isSwapDue = false;
    this.drop();
    if (hops !== undefined) setHops(this.fd, this.family, OWN_HOPS);
    this.#step += 1;
    this.#offset = 0;
    this.#phase = "send";
  }

  #pause(ms: number): void {
    this.#isPaused = true;
    this.host.later(ms, () => {
      this.#isPaused = false;
      this.wake();
    });
  }

  #mayTryAgain(): boolean {
    const error = errno();
    if (error === EINTR) return true;
    this.#isBroken = error !== EAGAIN;
    return false;
  }
}
