// What a probe works with on this machine: a data path of its own where it may have one, relays where there can be
// some, and QUIC. What cannot be had is said, and what it would take.
import { setMark } from "../dns/sys.ts";
import { missingCapabilities } from "../privileges/capabilities.linux.ts";
import type { ProbeWorker } from "./attempt.ts";
import { canAskQuic, QuicClient } from "./io/quic-client.ts";
import { RelayWay } from "./io/relay-way.ts";
import { DirectWay } from "./io/way.ts";
import type { Sources } from "./search/address-pool.ts";
import type { Abilities } from "./search/candidates.ts";
import type { Budget } from "./search/budget.ts";
import type { PacketPath } from "./ways/packet-path.linux.ts";

export interface EquipmentOptions {
  /** Strategies under way at a time. */
  readonly parallel: number;
  /** Streams alone, whatever this process may. */
  readonly streamOnly: boolean;
  readonly patienceMs: number;
  readonly quic: boolean;
  readonly authoritiesPath?: string;
  /** Local addresses that may be used besides the system's choice. */
  readonly sources: readonly string[];
  readonly budget: Budget;
}

/** Sockets of ours bear it where they may: a running service lets them go. The same as OUR_MARK of tun-linux. */
const OUR_MARK = 0x4000;

export class Equipment implements AsyncDisposable {
  private constructor(
    readonly workers: readonly ProbeWorker[],
    /** For controls. */
    readonly way: DirectWay,
    readonly quic: QuicClient | undefined,
    /** Local addresses for where boxes punish; undefined: this process can make none. */
    readonly sources: Sources | undefined,
    readonly abilities: Abilities,
    /** What could not be had, as sentences. */
    readonly missing: readonly string[],
    readonly stack: AsyncDisposableStack,
  ) {}

  static async open(options: EquipmentOptions): Promise<Equipment> {
    await using stack = new AsyncDisposableStack();
    const { parallel, patienceMs, budget, authoritiesPath } = options;
    const missing: string[] = [];
    const path = await openPath(options, missing);
    if (path !== undefined) stack.use(path);
    const relays = await openRelays(stack, options, path !== undefined, missing);
    const way = path?.apart ?? new DirectWay();
    const quicOptions = { traffic: budget, patienceMs, ...(authoritiesPath !== undefined && { authoritiesPath }) };
    // An interrupt that comes while this opens waits for as little as can be.
    const hasQuic = options.quic && !budget.isStopped && canAskQuic();
    if (options.quic && !hasQuic) missing.push("QUIC is not probed: it needs root and unshare of util-linux");
    const quic = hasQuic ? stack.use(new QuicClient({ ...quicOptions, way })) : undefined;
    const workers = Array.from({ length: parallel }, (_, index): ProbeWorker => {
      const packets = path?.slots[index];
      const own = quic !== undefined && packets !== undefined ? stack.use(quic.from(packets.way)) : undefined;
      return { packets, relay: relays[index], quic: own };
    });
    const sources = path === undefined ? undefined : stack.use(await openSources(options));
    const abilities = { packets: path !== undefined, streams: relays.length > 0 };
    return new Equipment(workers, way, quic, sources, abilities, missing, stack.move());
  }

  /** For sockets of plain DNS. Undefined: this process may mark nothing. */
  get prepareDatagrams(): ((descriptor: number) => void) | undefined {
    return this.abilities.packets ? (descriptor) => void setMark(descriptor, OUR_MARK) : undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stack.disposeAsync();
  }
}

async function openPath(
  { streamOnly, parallel, budget }: EquipmentOptions,
  missing: string[],
): Promise<PacketPath | undefined> {
  if (streamOnly) {
    missing.push("strategies of packets are not tried: --stream was given");
    return undefined;
  }
  if (process.platform !== "linux") {
    missing.push(`strategies of packets are not tried: that needs Linux, this is ${process.platform}`);
    return undefined;
  }
  const lacking = missingCapabilities(["CAP_NET_ADMIN", "CAP_NET_RAW"]);
  if (lacking.length > 0) {
    missing.push(`strategies of packets are not tried: that needs ${lacking.join(" and ")}, run it as root`);
    return undefined;
  }
  const { PacketPath: Path } = await import("./ways/packet-path.linux.ts");
  try {
    return await Path.open(parallel, budget.signal);
  } catch (error) {
    missing.push(`strategies of packets are not tried: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}

/** The same rights are needed as for the data path. */
async function openSources({ sources }: EquipmentOptions): Promise<Sources & Disposable> {
  const { FreshSources } = await import("./ways/fresh-sources.linux.ts");
  return new FreshSources(sources);
}

async function openRelays(
  stack: AsyncDisposableStack,
  { parallel, patienceMs, budget }: EquipmentOptions,
  isMarked: boolean,
  missing: string[],
): Promise<readonly RelayWay[]> {
  const relays: RelayWay[] = [];
  try {
    for (let count = 0; count < parallel && !budget.isStopped; count++) {
      const mark = isMarked ? { mark: OUR_MARK } : {};
      relays.push(stack.use(await RelayWay.open({ ...mark, connectTimeoutMs: patienceMs })));
    }
  } catch (error) {
    missing.push(`strategies of streams are not tried: ${error instanceof Error ? error.message : String(error)}`);
    return [];
  }
  return relays;
}
