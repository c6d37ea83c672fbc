// The routes into the device, kept as they should be.
import { DeviceError } from "@bunnel/device";
import type { DriverNetwork } from "@bunnel/tun";
import { coveringRoutes, LEFT_ALONE, ROUTES_MAX } from "./covering-routes.ts";

type Wanted = Readonly<Record<4 | 6, readonly string[]>>;

export class Routes implements Disposable {
  #wanted: Wanted;
  /** Destinations that are in force, by what this has done. */
  readonly #own = new Set<string>();
  #isOpen = true;
  /** What packets are held to; undefined: to what the device takes. */
  #mtuBytes: number | undefined;

  /**
   * @param network by which routes are changed as long as this lasts; it stays the caller's
   * @param leftAlone destinations besides the private, link-local and multicast ones
   * @throws DeviceError E_DEVICE_OPTION when that takes more routes than there should be
   */
  constructor(
    private readonly network: DriverNetwork,
    private readonly deviceIndex: number,
    leftAlone: readonly string[],
  ) {
    this.#wanted = wantedAround(leftAlone);
  }

  /**
   * As if it had been made with these: routes that are wanted before and behind it are there all the time.
   * @throws DeviceError as then; what was in force stays
   */
  lead(leftAlone: readonly string[], families: readonly (4 | 6)[]): void {
    const before = this.#wanted;
    this.#wanted = wantedAround(leftAlone);
    try {
      this.set(families);
    } catch (error) {
      this.#wanted = before;
      throw error;
    } finally {
      this.#removeUnwanted();
    }
  }

  /**
   * Those of these families are there from now on, and no others. A destination that has a route of somebody else's,
   * another tunnel for one, keeps that.
   */
  set(families: readonly (4 | 6)[]): void {
    if (!this.#isOpen) return;
    const { network } = this;
    const there = new Set(
      network
        .routes()
        .filter(({ index }) => index === this.deviceIndex)
        .map(({ destination }) => destination),
    );
    for (const family of [4, 6] as const) {
      for (const destination of this.#wanted[family]) {
        if (!families.includes(family)) this.#remove(network, family, destination);
        else if (!there.has(destination)) this.#add(network, family, destination);
      }
    }
  }

  /**
   * Packets that they lead into the device are at most so long from here on; more than the device takes changes
   * nothing.
   */
  limit(mtuBytes: number): void {
    if (!this.#isOpen || mtuBytes === this.#mtuBytes) return;
    this.#mtuBytes = mtuBytes;
    for (const destination of this.#own) this.network.replaceRoute(this.#route(familyOf(destination), destination));
  }

  [Symbol.dispose](): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    for (const destination of [...this.#own]) this.#remove(this.network, familyOf(destination), destination);
  }

  #removeUnwanted(): void {
    for (const destination of [...this.#own]) {
      const family = familyOf(destination);
      if (!this.#wanted[family].includes(destination)) this.#remove(this.network, family, destination);
    }
  }

  #add(network: DriverNetwork, family: 4 | 6, destination: string): void {
    try {
      network.addRoute(this.#route(family, destination));
      this.#own.add(destination);
    } catch (error) {
      if (!(error instanceof DeviceError) || error.code !== "E_DEVICE_BUSY") throw error;
    }
  }

  #route(family: 4 | 6, destination: string): Parameters<DriverNetwork["addRoute"]>[0] {
    const limit = this.#mtuBytes === undefined ? {} : { metrics: { mtuBytes: this.#mtuBytes } };
    return { destination, family, index: this.deviceIndex, ...limit };
  }

  #remove(network: DriverNetwork, family: 4 | 6, destination: string): void {
    if (!this.#own.delete(destination)) return;
    try {
      network.removeRoute({ destination, family, index: this.deviceIndex });
    } catch (error) {
      // The device may have taken it along.
      const isGone = error instanceof DeviceError && ["E_DEVICE_MISSING", "E_DEVICE_GONE"].includes(error.code);
      if (!isGone) throw error;
    }
  }
}

function wantedAround(leftAlone: readonly string[]): Wanted {
  const all = [...LEFT_ALONE, ...leftAlone];
  const wanted = { 4: coveringRoutes(4, all), 6: coveringRoutes(6, all) };
  const count = wanted[4].length + wanted[6].length;
  if (count <= ROUTES_MAX) return wanted;
  const expected = `expected at most ${ROUTES_MAX}, found ${count}`;
  throw new DeviceError("E_DEVICE_OPTION", `routes around excluded addresses: ${expected}: exclude fewer`);
}

function familyOf(destination: string): 4 | 6 {
  return destination.includes(":") ? 6 : 4;
}
