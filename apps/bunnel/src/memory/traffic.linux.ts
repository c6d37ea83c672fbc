// Looks at traffic, for the watcher: a tap in the kernel that takes the beginnings and ends of flows, and what the
// kernel knows of sockets. It is opened while the process may do so, and reads without any privilege.
import { openInboundTap, TcpSockets } from "@bunnel/tun-linux";
import { DeviceError } from "@bunnel/device";
import { flowName } from "./flow-name.ts";
import type { Seen, SocketFigures } from "./watch/seen.ts";

export interface Traffic extends Disposable {
  /** Packets that arrived since the last call, from their IP header on. */
  arrived(): Uint8Array[];
  /** What the system knows of these flows: of none that is another machine's. */
  sockets(flows: readonly string[], known: ReadonlySet<string>): Seen[];
}

const SLOT_BYTES = 2048;
const SLOTS = 64;
/** Packets that are taken in one call; the rest waits for the next. */
const ARRIVED_MAX = 2048;

/** Called after packets and what they answer can be seen, until it is disposed. @throws DeviceError */
export function openTraffic(): Traffic {
  const tap = openInboundTap({ rst: true, fin: true, redirects: true });
  const memory = new SharedArrayBuffer(SLOTS * SLOT_BYTES);
  const at = Uint32Array.from({ length: SLOTS }, (_, slot) => slot * SLOT_BYTES);
  const list = { at, lengths: new Uint16Array(SLOTS) };
  const sockets = openSockets();
  tap.attach(memory);
  tap.listen(true);
  return {
    arrived() {
      const packets: Uint8Array[] = [];
      while (packets.length < ARRIVED_MAX) {
        const came = tap.read(list, 0, SLOT_BYTES);
        for (let slot = 0; slot < came; slot++) packets.push(copyOf(memory, slot, list.lengths[slot] ?? 0));
        if (came < SLOTS) break;
      }
      return packets;
    },
    sockets: (flows, known) => (sockets === undefined ? [] : seenOf(sockets, new Set(flows), known)),
    [Symbol.dispose]() {
      tap.close();
      sockets?.close();
    },
  };
}

/** A view of its own each time: what the system wrote behind our back is then read anew. */
function copyOf(memory: SharedArrayBuffer, slot: number, bytes: number): Uint8Array {
  return new Uint8Array(new Uint8Array(memory, slot * SLOT_BYTES, bytes));
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

function seenOf(sockets: TcpSockets, wanted: ReadonlySet<string>, known: ReadonlySet<string>): Seen[] {
  const found = new Map<string, SocketFigures>();
  for (const socket of sockets.list()) {
    const { unacked, retransmits, bytesReceived: received, sinceReceivedMs: silentMs } = socket;
    const flow = flowName({
      ...{ client: socket.localAddress, clientPort: socket.localPort },
      ...{ server: socket.remoteAddress, serverPort: socket.remotePort },
    });
    if (wanted.has(flow)) found.set(flow, { received, unacked, retransmits, silentMs });
  }
  const seen: Seen[] = [...found].map(([flow, figures]) => ({ seen: "socket", flow, ...figures }));
  const gone = [...known].filter((flow) => wanted.has(flow) && !found.has(flow));
  return [...seen, ...gone.map((flow): Seen => ({ seen: "gone", flow }))];
}
