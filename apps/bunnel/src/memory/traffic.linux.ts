// Looks at traffic, for the watcher: a tap in the kernel that takes the beginnings and ends of flows, and what the
// kernel knows of sockets. It is opened while the process may do so, and reads without any privilege.
import { openInboundTap, TcpSockets, type TcpSocketInfo } from "@bunnel/tun-linux";
import { DeviceError } from "@bunnel/device";
import { flowName } from "./flow-name.ts";
import { QuicTraffic } from "./quic-traffic.linux.ts";
import { TapReader } from "./tap-reader.ts";
import type { Seen, SocketFigures } from "./watch/seen.ts";

export interface Traffic extends Disposable {
  /** Packets that arrived since the last call, from their IP header on. */
  arrived(): Uint8Array[];
  /** What servers answer over QUIC. */
  readonly quic: Pick<QuicTraffic, "arrived" | "follow" | "hear">;
  /** What the system knows of these flows: of none that is another machine's. */
  sockets(flows: readonly string[], known: ReadonlySet<string>, comparesOthers: boolean): Seen[];
}

/** Packets that are taken in one call; the rest waits for the next. */
const ARRIVED_MAX = 2048;

/**
 * Sees what arrives from now on, until it is disposed.
 * @param forwards what is forwarded is seen as it leaves, too: with the addresses that other machines know
 * @throws DeviceError
 */
export function openTraffic(forwards: boolean): Traffic {
  const tap = openInboundTap({ rst: true, fin: true, redirects: true, forwarded: forwards });
  const reader = new TapReader(tap);
  tap.listen(true);
  const quic = new QuicTraffic(forwards);
  const sockets = openSockets();
  const others = new OtherSockets();
  return {
    quic,
    arrived: () => reader.read(ARRIVED_MAX),
    sockets(flows, known, comparesOthers) {
      if (sockets === undefined) return [];
      const wanted = new Set(flows);
      const found = sockets.list();
      const other = comparesOthers ? others.quickest(found, wanted, performance.now()) : [];
      return [...other, ...seenOf(found, wanted, known)];
    },
    [Symbol.dispose]() {
      tap.close();
      quic[Symbol.dispose]();
      sockets?.close();
    },
  };
}

/** Undefined: this kernel cannot be asked; then silence is seen by what is sent again alone. */
function openSockets(): TcpSockets | undefined {
  try {
    const sockets = TcpSockets.open();
    sockets.list();
    return sockets;
  } catch (error) {
    if (error instanceof DeviceError) return undefined;
    throw error;
  }
}

function seenOf(all: readonly TcpSocketInfo[], wanted: ReadonlySet<string>, known: ReadonlySet<string>): Seen[] {
  const found = new Map<string, SocketFigures>();
  for (const socket of all) {
    const { unacked, retransmits, bytesReceived: received, sinceReceivedMs: silentMs, unread, outOfOrder } = socket;
    const flow = nameOf(socket);
    if (wanted.has(flow)) found.set(flow, { received, unacked, retransmits, silentMs, unread, outOfOrder });
  }
  const seen: Seen[] = [...found].map(([flow, figures]) => ({ seen: "socket", flow, ...figures }));
  const gone = [...known].filter((flow) => wanted.has(flow) && !found.has(flow));
  return [...seen, ...gone.map((flow): Seen => ({ seen: "gone", flow }))];
}

function nameOf({ localAddress, localPort, remoteAddress, remotePort }: TcpSocketInfo): string {
  return flowName({
    ...{ client: localAddress, clientPort: localPort },
    ...{ server: remoteAddress, serverPort: remotePort },
  });
}

/** How quick the connections are that nobody watches: those to other networks, so many of them. */
class OtherSockets {
  #before = new Map<string, number>();
  #beforeAt = 0;

  /** The quickest since the last call; none the first time, and after a while. */
  quickest(all: readonly TcpSocketInfo[], wanted: ReadonlySet<string>, now: number): Seen[] {
    const passedMs = now - this.#beforeAt;
    const isNew = passedMs > OTHERS_STALE_MS;
    const received = new Map<string, number>();
    let most = 0;
    let quickest = "";
    for (const socket of all) {
      if (received.size >= OTHERS_MAX) break;
      if (NEAR.test(socket.remoteAddress)) continue;
      const flow = nameOf(socket);
      if (wanted.has(flow)) continue;
      received.set(flow, socket.bytesReceived);
      const bytes = socket.bytesReceived - (this.#before.get(flow) ?? socket.bytesReceived);
      if (bytes > most) [most, quickest] = [bytes, flow];
    }
    this.#before = received;
    this.#beforeAt = now;
    if (isNew || most === 0) return [];
    return [{ seen: "other", flow: quickest, bytesPerSecond: (most * 1000) / Math.max(passedMs, 1) }];
  }
}

const OTHERS_MAX = 1024;
const OTHERS_STALE_MS = 5_000;
/** Loopback, link-local and private addresses (RFC 1918, RFC 4193, RFC 6598): they say nothing of the way outside. */
const NEAR = new RegExp(
  [
    "^(?:127|10)[.]",
    "^192[.]168[.]",
    "^169[.]254[.]",
    "^172[.](?:1[6-9]|2[0-9]|3[01])[.]",
    "^100[.](?:6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])[.]",
    "^(?:::1$|f[cd]|fe[89ab])",
  ].join("|"),
  "u",
);
