// Which address of a host a trial goes to. Where boxes go on punishing after a hit, an address is one trial's alone,
// and rests behind a failure until a harmless name is answered there again.

/** Says whether an address is free of punishment. */
export type IsFree = (address: string) => Promise<boolean>;

const FIRST_LOOK_MS = 3000;
const LOOK_MAX_MS = 30_000;

export interface PoolOptions {
  readonly hasPenalty: boolean;
  readonly isFree: IsFree;
  /** Nothing is waited for any more. */
  readonly isOver: () => boolean;
}

const TURN_MS = 100;

export class AddressPool {
  readonly #busy = new Set<string>();
  readonly #resting = new Set<() => void>();
  #next = 0;
  #isClosed = false;

  constructor(
    readonly addresses: readonly string[],
    readonly options: PoolOptions,
  ) {}

  /** One of these addresses, in turn; undefined: it is over before one is free. */
  async take(among: readonly string[] = this.addresses): Promise<string | undefined> {
    for (;;) {
      for (let tries = 0; tries < among.length; tries++) {
        const address = among[this.#next++ % among.length];
        if (address === undefined || this.#busy.has(address)) continue;
        if (this.options.hasPenalty) this.#busy.add(address);
        return address;
      }
      if (this.options.isOver() || among.length === 0) return undefined;
      await Bun.sleep(TURN_MS);
    }
  }

  /** Nobody takes any more: what rests is not looked at again. */
  close(): void {
    this.#isClosed = true;
    for (const stop of this.#resting) stop();
  }

  /** The trial is over; also for an address that was hit before there was a pool. */
  give(address: string, isFailed: boolean): void {
    if (!this.options.hasPenalty) return;
    if (!isFailed) this.#busy.delete(address);
    else if (this.addresses.includes(address)) {
      this.#busy.add(address);
      void this.#rest(address);
    }
  }

  async #rest(address: string): Promise<void> {
    const { isOver, isFree } = this.options;
    for (let waitMs = FIRST_LOOK_MS; !this.#isClosed && !isOver(); waitMs = Math.min(LOOK_MAX_MS, waitMs * 2)) {
      await this.#pause(waitMs);
      if (this.#isClosed || isOver() || (await isFree(address))) break;
    }
    this.#busy.delete(address);
  }

  /** Ends at once when the pool is closed. */
  async #pause(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#resting.add(resolve);
    const timer = setTimeout(resolve, ms);
    await promise;
    clearTimeout(timer);
    this.#resting.delete(resolve);
  }
}
