// Floods its own machine's way out: packets of a kind, each of another flow, in bursts with a pause behind each. It is
// run in the client's namespace: bun flood-sender.ts KIND PACKETS PAUSE_MS
import { openRawEgress } from "@bunnel/egress";
import { clientHello, tcpPacket, udpPacket } from "@bunnel/wire";

/** Nobody selects by it, and it is not the service's own. */
const MARK = 1;
const SCRATCH_BYTES = 65536;
/** Packets of one burst; every burst has other flows. */
const BURST = 256;
const STRIDE = 2048;
/** What lies behind the censor's black hole. */
const DESTINATION = "198.18.99.1";
const SOURCE = "192.0.2.2";

// Places in an IPv4 packet whose header has 20 octets (RFC 791, RFC 9293).
const IDENTIFICATION = 4;
const FRAGMENT = 6;
const PROTOCOL = 9;
const SOURCE_PORT = 20;
const DESTINATION_LAST = 19;
const MORE_FRAGMENTS = 0x2000;

const ENDS = { source: SOURCE, destination: DESTINATION, sourcePort: 40000, destinationPort: 443 };
const HELLO = tcpPacket({ ...ENDS, flags: "PA", payload: clientHello({ serverName: "flood.example.org" }) });

/** Its file, to be run in the namespace that it floods. */
export const FLOOD_SENDER = import.meta.path;

/** What it sends. */
export type FloodKind = "syn" | "hello" | "garbage" | "fragment" | "half-hello" | "datagram";
/** Each gives a packet; `i` counts them. */
const MAKERS: Readonly<Record<FloodKind, (packet: Uint8Array, i: number) => Uint8Array>> = {
  syn: (_, i) => renumbered(SYN, i),
  hello: (_, i) => renumbered(HELLO, i),
  /** A message that never becomes whole: it is held, and there is little room for that. */
  "half-hello": (_, i) => renumbered(HALF_HELLO, i),
  datagram: (_, i) => renumbered(DATAGRAM, i),
  garbage: (packet, i) => {
    crypto.getRandomValues(packet.subarray(20));
    packet.set(HELLO.subarray(0, 20));
    packet[PROTOCOL] = i % 4 === 0 ? i & 0xff : ([6, 17, 6][i % 3] ?? 6);
    packet[DESTINATION_LAST] = i & 0xff;
    return packet;
  },
  fragment: (_, i) => {
    const packet = renumbered(HELLO, i);
    new DataView(packet.buffer).setUint16(IDENTIFICATION, i & 0xffff);
    // Of each four the first piece of a datagram, and pieces of which no beginning comes.
    new DataView(packet.buffer).setUint16(FRAGMENT, MORE_FRAGMENTS | (i % 4 === 0 ? 0 : (i % 4) * 64));
    return packet;
  },
};
const SYN = tcpPacket({ ...ENDS, flags: "S" });
const HALF_HELLO = tcpPacket({
  ...ENDS,
  flags: "PA",
  payload: clientHello({ serverName: "flood.example.org", padToBytes: 1500 }).subarray(0, 700),
});
const DATAGRAM = udpPacket({ ...ENDS, payload: new Uint8Array(100).fill(0xc3) });

/** The same packet of another flow: port and destination say which. */
function renumbered(template: Uint8Array, i: number): Uint8Array {
  const packet = template.slice();
  new DataView(packet.buffer).setUint16(SOURCE_PORT, 1024 + (i % 60_000));
  packet[DESTINATION_LAST] = 1 + (Math.floor(i / 60_000) % 250);
  return packet;
}

async function flood(kind: FloodKind, packets: number, pauseMs: number): Promise<void> {
  const memory = new SharedArrayBuffer(SCRATCH_BYTES + BURST * STRIDE);
  const octets = new Uint8Array(memory);
  const list = { at: new Uint32Array(BURST), lengths: new Uint16Array(BURST) };
  using egress = openRawEgress({ mark: MARK });
  egress.attach(memory, 0, SCRATCH_BYTES);
  const garbage = new Uint8Array(200);
  for (let done = 0; done < packets; done += BURST) {
    for (let i = 0; i < BURST; i++) {
      const packet = MAKERS[kind](garbage, done + i);
      list.at[i] = SCRATCH_BYTES + i * STRIDE;
      list.lengths[i] = packet.length;
      octets.set(packet, list.at[i]);
    }
    for (let sent = 0; sent < BURST;) {
      const taken = egress.send(list, sent, BURST);
      sent += taken;
      // A full queue empties by itself.
      if (taken === 0) await Bun.sleep(0);
    }
    if (pauseMs > 0) await Bun.sleep(pauseMs);
  }
  console.log(JSON.stringify(egress.counters()));
}

if (import.meta.main) {
  const [kind = "", packets = "", pauseMs = ""] = process.argv.slice(2);
  if (!(kind in MAKERS)) throw new Error(`expected one of ${Object.keys(MAKERS).join(", ")}, found ${kind}`);
  await flood(kind as FloodKind, Number(packets), Number(pauseMs));
}
