// Which address of a host a trial goes to. Where boxes go on punishing after a hit, an address is one trial's alone, and
// rests behind a failure until a harmless name is answered there again.

/** Says whether an address is free of punishment. */
export type IsFree = (address: string) => Promise<boolean>;

const FIRST_LOOK_MS = 3000;
const LOOK_MAX_MS = 30_000;

export interface PoolOptions {
  readonly hasPenalty: boolean;
  readonly isFree: IsFree;
  /** Nothing is waited for any more. */
  readonly isOver: () => boolean;
  /** Default: the clock's. */
  readonly sleep?: (ms: number) => Promise<void>;
}

const TURN_MS = 100;

export class AddressPool {
  readonly #busy = new Set<string>();
  readonly #sleep: (ms: number) => Promise<void>;
  #next = 0;

  constructor(
    readonly addresses: readonly string[],
    readonly options: PoolOptions,
  ) {
    this.#sleep = options.sleep ?? Bun.sleep;
  }

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
      await this.#sleep(TURN_MS);
    }
  }

  /** The trial is over. */
  give(address: string, isFailed: boolean): void {
    if (!this.options.hasPenalty) return;
    if (isFailed) void this.#rest(address);
    else this.#busy.delete(address);
  }

  async #rest(address: string): Promise<void> {
    for (let waitMs = FIRST_LOOK_MS; !this.options.isOver(); waitMs = Math.min(LOOK_MAX_MS, waitMs * 2)) {
      await this.#sleep(waitMs);
      if (this.options.isOver() || (await this.options.isFree(address))) break;
    }
    this.#busy.delete(address);
  }
}
