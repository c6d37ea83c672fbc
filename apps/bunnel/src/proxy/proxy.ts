// Listeners for programs that can be told to use a proxy: SOCKS 5 and HTTP on loopback, without any privilege.
import type { Profile } from "@bunnel/profile";
import { StreamRelay, type RelayOptions, type RelayStats, type ResolveName, type StreamForm } from "@bunnel/stream";
import { parseEndpoint } from "@bunnel/wire";

/** What a proxy has beside its profile. */
export interface ProxyParts {
  /** How names become addresses. Default: as the system does it. */
  readonly resolve?: ResolveName;
  /** Default: the fastest that this system has. */
  readonly form?: StreamForm;
}

/** One relay for each address of the profile's `[proxy]`. */
export class Proxy implements Disposable {
  readonly #relays: readonly StreamRelay[];
  /** Resolves when all have let go, with what ended one that was not asked to. */
  readonly closed: Promise<Error | undefined>;

  /** @throws StreamError when an address cannot be listened on; none is then */
  constructor(profile: Profile, parts: ProxyParts = {}) {
    const relays: StreamRelay[] = [];
    try {
      for (const endpoint of profile.proxy.listen) relays.push(StreamRelay.open(optionsOf(profile, endpoint, parts)));
    } catch (error) {
      for (const relay of relays) relay.close();
      throw error;
    }
    this.#relays = relays;
    this.closed = this.#watch();
  }

  /** Where it listens: "127.0.0.1:1080". */
  get addresses(): readonly StreamRelay["address"][] {
    return this.#relays.map(({ address }) => address);
  }

  /** Of all listeners together. */
  get stats(): RelayStats {
    const [first, ...more] = this.#relays.map(({ stats }) => stats);
    const sum: Record<string, number> = { ...first };
    for (const stats of more) for (const [name, count] of Object.entries(stats)) sum[name] = (sum[name] ?? 0) + count;
    return sum as unknown as RelayStats;
  }

  /** Another profile for what comes from now on; where it listens stays. */
  load(profile: Profile): void {
    for (const relay of this.#relays) relay.load(profile);
  }

  close(): void {
    for (const relay of this.#relays) relay.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** One that fails takes the others with it: half a proxy would be a puzzle. */
  async #watch(): Promise<Error | undefined> {
    const first = Promise.race(this.#relays.map((relay) => relay.closed));
    void first.then(() => this.close());
    const causes = await Promise.all(this.#relays.map((relay) => relay.closed));
    return causes.find((cause) => cause !== undefined);
  }
}

/** How a relay of this profile is set, wherever it listens. */
export function streamOptions({ stream }: Profile): Partial<RelayOptions> {
  return {
    maxFlows: stream.maxFlows,
    idleTimeoutMs: stream.idleTimeoutSeconds === 0 ? Number.POSITIVE_INFINITY : stream.idleTimeoutSeconds * 1000,
    connectTimeoutMs: stream.connectTimeoutSeconds * 1000,
    messageTimeoutMs: stream.messageTimeoutMs,
    datagrams: { sessionsMax: stream.maxDatagramSessions, idleMs: stream.datagramTimeoutSeconds * 1000 },
  };
}

function optionsOf(profile: Profile, endpoint: string, { resolve, form }: ProxyParts): RelayOptions {
  const { user, password, udp } = profile.proxy;
  const { datagrams, ...stream } = streamOptions(profile);
  return {
    ...stream,
    ...(udp && datagrams && { datagrams }),
    ...(user !== "" && { user: { name: user, password } }),
    ...(resolve && { resolve }),
    ...(form && { form }),
    listen: parseEndpoint(endpoint),
    accept: "proxy",
    profile,
  };
}
