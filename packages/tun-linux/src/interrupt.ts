// One switch that ends the waits of many devices, in any thread, until it is reset.
import { DeviceError } from "@bunnel/device";
import * as sys from "./sys.ts";

/** What another thread needs of an interrupt, to be cloned. */
export interface InterruptHandOver {
  readonly eventFd: number;
  /** | value i32 | closed i32 | */
  readonly value: SharedArrayBuffer;
}

const VALUE = 0;
const CLOSED = 1;
const WORDS = 2;

/**
 * Give it to `LinuxTun.wait`: while it is triggered every such wait comes back at once with Woken. A device's own
 * `wake` ends one wait; this stays on and carries a number that says why.
 */
export class Interrupt implements Disposable {
  readonly #words: Int32Array;
  #isOpen = true;

  private constructor(
    private readonly parts: InterruptHandOver,
    private readonly owns: boolean,
  ) {
    this.#words = new Int32Array(parts.value);
  }

  /** @throws DeviceError E_DEVICE_SYSTEM when the process has no descriptor left */
  static create(): Interrupt {
    const eventFd = sys.openEvent();
    if (eventFd < 0) throw new DeviceError("E_DEVICE_SYSTEM", "eventfd: none could be opened", sys.errno());
    return new Interrupt({ eventFd, value: new SharedArrayBuffer(WORDS * 4) }, true);
  }

  /** The same in another thread of this process. It borrows: when the first is closed, this one is, too. */
  static openTransferred(handOver: InterruptHandOver): Interrupt {
    return new Interrupt(handOver, false);
  }

  /** Its event, for `wait`; -1 when it is closed. */
  get eventFd(): number {
    return this.#isUsable ? this.parts.eventFd : -1;
  }

  /**
   * On: every wait with it ends at once, in any thread.
   * @param value why, any number but 0; the first stays until `reset`
   */
  trigger(value = 1): void {
    if (value === 0 || !Number.isInteger(value)) {
      throw new DeviceError("E_DEVICE_OPTION", `value of an interrupt: expected a whole number but 0, found ${value}`);
    }
    Atomics.compareExchange(this.#words, VALUE, 0, value);
    if (this.#isUsable) sys.raiseEvent(this.parts.eventFd);
  }

  get triggered(): boolean {
    return this.value !== 0;
  }

  /** What it was triggered with; 0: it is not. */
  get value(): number {
    return Atomics.load(this.#words, VALUE);
  }

  /** Off again: waits block as before. */
  reset(): void {
    Atomics.store(this.#words, VALUE, 0);
    if (!this.#isUsable) return;
    sys.lowerEvent(this.parts.eventFd);
    // Somebody triggered it in between.
    if (this.triggered) sys.raiseEvent(this.parts.eventFd);
  }

  /** What `openTransferred` takes in another thread. */
  handOver(): InterruptHandOver {
    return this.parts;
  }

  /** A second call does nothing. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    if (!this.owns) return;
    // The number of the descriptor may soon be that of something else.
    Atomics.store(this.#words, CLOSED, 1);
    sys.closeFd(this.parts.eventFd);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  get #isUsable(): boolean {
    return this.#isOpen && Atomics.load(this.#words, CLOSED) === 0;
  }
}
