// The interface by which this machine reaches everything, as its routes have it now, and whoever wants to be told when
// that is another.
import { DeviceError } from "@bunnel/device";
import type { DriverNetwork } from "@bunnel/tun";

/** What sockets to the outside are bound to. */
export interface UplinkState {
  readonly name: string;
  readonly mtuBytes: number;
  /** Families that it has a default route for. */
  readonly families: readonly (4 | 6)[];
}

/** net/route.h of macOS: a default route for sockets that are bound to its interface. */
const RTF_IFSCOPE = 0x100_0000;
const DEFAULTS: readonly string[] = ["default", "0.0.0.0/0", "::/0"];

export class Uplink {
  readonly #told = new Set<(name: string) => void>();
  #state: UplinkState | undefined;

  /**
   * @param openNetwork of this machine
   * @param wanted names of interfaces, of which one is taken; none: any
   */
  constructor(
    private readonly openNetwork: () => DriverNetwork,
    private readonly wanted: readonly string[],
  ) {}

  /** As it was found last. @throws DeviceError E_DEVICE_MISSING when there is none */
  get state(): UplinkState {
    const state = this.#state ?? this.look();
    if (state !== undefined) return state;
    const which = this.wanted.length === 0 ? "an interface" : `one of ${this.wanted.join(", ")}`;
    throw new DeviceError("E_DEVICE_MISSING", `uplink: expected ${which} with a default route, found none`);
  }

  get name(): string {
    return this.state.name;
  }

  /**
   * Looks again. Without one for a moment the last one stays: its sockets reach nobody, which is right, and no other
   * would. @param ours index of our own device
   */
  look(ours?: number): UplinkState | undefined {
    const before = this.#state?.name;
    using network = this.openNetwork();
    const found = findUplink(network, this.wanted, ours);
    if (found === undefined) return this.#state;
    this.#state = found;
    if (before !== undefined && before !== found.name) for (const tell of this.#told) tell(found.name);
    return found;
  }

  /** Calls `tell` with the name of each other one, until the answer is called. */
  follow(tell: (name: string) => void): () => void {
    this.#told.add(tell);
    return () => void this.#told.delete(tell);
  }
}

/** The default route that the system takes first, IPv4 before IPv6: by its metric, then as the system lists them. */
export function findUplink(
  network: Pick<DriverNetwork, "routes" | "link">,
  wanted: readonly string[],
  ours?: number,
): UplinkState | undefined {
  const defaults = network
    .routes()
    .filter(({ destination, flags, index }) => {
      return DEFAULTS.includes(destination) && (flags & RTF_IFSCOPE) === 0 && index !== undefined && index !== ours;
    })
    .toSorted((a, b) => a.family - b.family || a.metric - b.metric);
  for (const { index = 0 } of defaults) {
    const link = network.link(index);
    if (link === undefined || !link.up || link.loopback) continue;
    if (wanted.length > 0 && !wanted.includes(link.name)) continue;
    const families = new Set(defaults.filter((each) => each.index === index).map(({ family }) => family));
    return { name: link.name, mtuBytes: link.mtuBytes, families: [...families] };
  }
  return undefined;
}
