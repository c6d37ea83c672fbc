// Where a trial goes to, and from where. Where boxes go on punishing after a hit, either each try comes from a local
// address that nobody knows yet, or an address of the host is one trial's alone, and rests behind a failure until a
// harmless name is answered there again.
import { familyOf } from "../question.ts";
import type { ProbeFamily } from "../observation.ts";

/** Says whether an address is free of punishment. */
export type IsFree = (address: string) => Promise<boolean>;

/** Local addresses that nobody has used before. */
export interface Sources {
  /** One from which that address can be reached; undefined: there is none, or none any more. */
  take(towards: string): Promise<string | undefined>;
  /** It came to no harm, and may be taken again. */
  giveBack(source: string): void;
}

/** Both ends of a try. */
export interface Place {
  readonly address: string;
  /** Undefined: the system's choice. */
  readonly source: string | undefined;
}

/**
 * How the addresses of a family are used. "shared": several trials at a time; "resting": one trial's alone, with a rest
 * behind a failure; "fresh": shared, each try from a local address of its own.
 */
export type FamilyMode = "shared" | "resting" | "fresh";

const FIRST_LOOK_MS = 3000;
const LOOK_MAX_MS = 30_000;
const TURN_MS = 100;

export interface PoolOptions {
  /** Families that are not named are not used. */
  readonly modes: ReadonlyMap<ProbeFamily, FamilyMode>;
  /** Needed where a family is "fresh". */
  readonly sources?: Sources | undefined;
  readonly isFree: IsFree;
  /** Nothing is waited for any more. */
  readonly isOver: () => boolean;
}

export class AddressPool {
  readonly addresses: readonly string[];
  readonly #modes: Map<ProbeFamily, FamilyMode>;
  readonly #busy = new Set<string>();
  readonly #resting = new Set<() => void>();
  #next = 0;
  #isClosed = false;

  constructor(
    addresses: readonly string[],
    readonly options: PoolOptions,
  ) {
    this.#modes = new Map(options.modes);
    this.addresses = addresses.filter((address) => this.#modes.has(familyOf(address)));
  }

  /**
   * Those in which something can be tried. The ones that cost nothing come first: most candidates fail there.
   * @param canChoose whether the way has a choice of its local address, which a relay has not
   */
  families(canChoose = true): readonly ProbeFamily[] {
    const there = [...new Set(this.addresses.map(familyOf))].filter((family) => {
      const mode = this.#modes.get(family);
      return mode !== undefined && (canChoose || mode !== "fresh");
    });
    return there.toSorted((a, b) => this.#rank(a) - this.#rank(b));
  }

  /** Undefined: it is over before one is free, or the family has no local address left and is not used any more. */
  async take(family: ProbeFamily): Promise<Place | undefined> {
    const among = this.addresses.filter((address) => familyOf(address) === family);
    const mode = this.#modes.get(family);
    if (mode === undefined || among.length === 0) return undefined;
    for (;;) {
      for (let tries = 0; tries < among.length; tries++) {
        const address = among[this.#next++ % among.length];
        if (address === undefined || this.#busy.has(address)) continue;
        if (mode === "fresh") return this.#fresh(family, address);
        if (mode === "resting") this.#busy.add(address);
        return { address, source: undefined };
      }
      if (this.options.isOver()) return undefined;
      await Bun.sleep(TURN_MS);
    }
  }

  /** Nobody takes any more: what rests is not looked at again. */
  close(): void {
    this.#isClosed = true;
    for (const stop of this.#resting) stop();
  }

  /** The try is over; also for an address that was hit before there was a pool. */
  give({ address, source }: Place, isFailed: boolean): void {
    if (source !== undefined && !isFailed) this.options.sources?.giveBack(source);
    if (this.#modes.get(familyOf(address)) !== "resting") return;
    if (!isFailed) this.#busy.delete(address);
    else if (this.addresses.includes(address)) {
      this.#busy.add(address);
      void this.#rest(address);
    }
  }

  #rank(family: ProbeFamily): number {
    return this.#modes.get(family) === "resting" ? 10 + family : -family;
  }

  async #fresh(family: ProbeFamily, address: string): Promise<Place | undefined> {
    const source = await this.options.sources?.take(address);
    if (source === undefined) this.#modes.delete(family);
    return source === undefined ? undefined : { address, source };
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
