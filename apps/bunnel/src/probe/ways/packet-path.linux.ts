// A data path of the prober's own: whatever leaves a port of its ranges comes up at one device, and goes to the engine
// of the slot that the port belongs to, each with a strategy of its own. Nothing else of this machine comes up, and a
// running service neither sees it nor notices.
import { startInlineLane, TunBackend, type BackendHandle, type TunPlatform } from "@bunnel/backend";
import { MemoryDevice, PacketPort, type Interception } from "@bunnel/device";
import { openRawEgress } from "@bunnel/egress";
import { QuicNames } from "@bunnel/engine";
import { interceptLocalPorts, openInboundTap, openLinuxTun, OUR_MARK, type LinuxTun } from "@bunnel/tun-linux";
import { readUplinks } from "../../service/platform.linux.ts";
import { trialProfile } from "../io/relay-way.ts";
import { DirectWay, type PortRange } from "../io/way.ts";

/** Local ports that Linux gives to nobody by itself (net.ipv4.ip_local_port_range begins at 32768). */
const PORTS_FROM = 20_000;
const PORTS_OF_SLOT = 512;
/** Controls need more of them: each is used again as late as can be. */
const PORTS_APART = 2048;
const DEVICE_NAME = "bunnelp%d";
const PACKET_HEADER_MIN_BYTES = 28;

/** One strategy at a time, for what leaves its ports. */
export interface PacketSlot {
  readonly way: DirectWay;
  /** What leaves from now on gets this strategy. */
  use(strategy: string): void;
}

export class PacketPath implements AsyncDisposable {
  readonly #ending = new AbortController();
  readonly #stack: AsyncDisposableStack;

  private constructor(
    readonly slots: readonly PacketSlot[],
    /** Sockets from its ports take the way that they had without any service. */
    readonly apart: DirectWay,
    device: LinuxTun,
    injectors: readonly MemoryDevice[],
    stack: AsyncDisposableStack,
  ) {
    this.#stack = stack;
    const carrying = carry(new PacketPort(device), injectors, this.#ending.signal);
    stack.defer(() => carrying);
  }

  /**
   * @param signal nobody needs it any more: what was opened is closed, and its reason thrown
   * @throws DeviceError E_DEVICE_BUSY while another probe runs, E_DEVICE_DENIED without CAP_NET_ADMIN and CAP_NET_RAW,
   * E_UNSUPPORTED or E_DEVICE_SYSTEM where the kernel lacks nftables
   */
  static async open(count: number, signal?: AbortSignal): Promise<PacketPath> {
    await using stack = new AsyncDisposableStack();
    const { mtuBytes } = readUplinks();
    const device = stack.use(openLinuxTun({ name: DEVICE_NAME, mtuBytes, offload: false, ipv6LinkLocal: "none" }));
    const opened: { slot: PacketSlot; injector: MemoryDevice }[] = [];
    for (let index = 0; index < count; index++) {
      signal?.throwIfAborted();
      const injector = stack.use(MemoryDevice.open({ name: `slot${index}` }));
      const handle = await startSlot(injector, mtuBytes);
      stack.defer(() => handle.shutdown());
      opened.push({ slot: slotOf(handle, portsOf(index)), injector });
    }
    const taken = { first: PORTS_FROM, last: PORTS_FROM + count * PORTS_OF_SLOT - 1 };
    const apart = { first: taken.last + 1, last: taken.last + PORTS_APART };
    stack.use(interceptLocalPorts({ deviceIndex: device.index, taken, apart }));
    const slots = opened.map(({ slot }) => slot);
    const injectors = opened.map(({ injector }) => injector);
    return new PacketPath(slots, new DirectWay(apart), device, injectors, stack.move());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    await this.#stack.disposeAsync();
  }
}

function portsOf(slot: number): PortRange {
  const first = PORTS_FROM + slot * PORTS_OF_SLOT;
  return { first, last: first + PORTS_OF_SLOT - 1 };
}

function slotOf(handle: BackendHandle, ports: PortRange): PacketSlot {
  return {
    way: new DirectWay(ports),
    use: (strategy) => handle.pipeline.load(trialProfile(strategy, "packet")),
  };
}

/** An engine with its rules and its way out, over a device that the dispatcher fills. */
function startSlot(injector: MemoryDevice, mtuBytes: number): Promise<BackendHandle> {
  const nothing: Interception = {
    method: "ports",
    uplinks: [],
    close: () => undefined,
    [Symbol.dispose]: () => undefined,
  };
  const platform: TunPlatform = {
    name: "probe",
    unsupported: () => undefined,
    openDevice: () => injector,
    openEgress: () => openRawEgress({ mark: OUR_MARK }),
    openTap: () => openInboundTap(),
    intercept: () => nothing,
    sweep: () => ({ removed: [] }),
    uplinks: () => ({ names: [], mtuBytes }),
    startLane: (parts) => startInlineLane(parts, new QuicNames()),
  };
  const profile = trialProfile("pass", "packet");
  return new TunBackend(platform).start({ engine: { profile }, settings: { mtu: mtuBytes } });
}

/** From the device to the slot of each packet's local port, until the signal. */
async function carry(port: PacketPort, injectors: readonly MemoryDevice[], signal: AbortSignal): Promise<void> {
  for (;;) {
    let packet: Uint8Array | undefined;
    try {
      packet = await port.read({ signal });
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    const source = sourcePort(packet);
    if (source === undefined) continue;
    injectors[Math.floor((source - PORTS_FROM) / PORTS_OF_SLOT)]?.inject(packet);
  }
}

/** TCP and UDP have it in the same place; what comes up here has no extension headers (RFC 791, RFC 8200). */
function sourcePort(packet: Uint8Array): number | undefined {
  const at = (packet[0] ?? 0) >> 4 === 6 ? 40 : ((packet[0] ?? 0) & 15) * 4;
  if (packet.length < PACKET_HEADER_MIN_BYTES || packet.length < at + 4) return undefined;
  return ((packet[at] ?? 0) << 8) | (packet[at + 1] ?? 0);
}
