// A lane that works on hellos without a pause while its host swaps the rules, and looks at every packet that leaves:
// was it judged by one table alone? Each table has its own mark, which its strategy puts into three fields.
import { RX_MAX, Verdict } from "@bunnel/abi";
import { Engine, type EngineHandOver } from "@bunnel/engine";
import { clientHello, tcpPacket } from "@bunnel/wire";
import { HOSTS_PER_TABLE, hostOf } from "./swap-tables.ts";

export interface SwapOrder {
  readonly engine: EngineHandOver;
  /** One Int32; not 0: stop. */
  readonly stop: SharedArrayBuffer;
}

export interface SwapReport {
  readonly packets: number;
  readonly replaced: number;
  readonly sent: number;
  /** Packets whose three marks differ. */
  readonly mixed: number;
  /** Bursts that more than one table judged. */
  readonly divided: number;
  /** Tables seen at work. */
  readonly marks: number;
}

declare const self: Worker;

self.addEventListener("message", ({ data }: MessageEvent<SwapOrder>) => {
  self.postMessage("ready");
  self.postMessage(run(data));
});

/** Where RFC 791 has the traffic class and the hop limit, and RFC 9293 behind 20 octets of IPv4 the window. */
const MARK_AT = [1, 8, 35] as const;
/** Hold what was planned, so that every burst is of other flows than the one before. */
const FLOWS = 4096;

function run({ engine, stop }: SwapOrder): SwapReport {
  const lane = Engine.attach(engine).lane(0);
  const octets = new Uint8Array(lane.memory);
  const stopped = new Int32Array(stop);
  const marks = new Set<number>();
  let [packets, replaced, sent, mixed, divided] = [0, 0, 0, 0, 0];
  const hellos = Array.from({ length: FLOWS }, (_, i) => helloOf(i));
  while (Atomics.load(stopped, 0) === 0) {
    for (let i = 0; i < RX_MAX; i++) lane.place(i, hellos[(packets + i) % FLOWS] ?? new Uint8Array(0));
    const seen = new Set<number>();
    lane.work(RX_MAX, 0, () => {
      sent += lane.txCount;
      for (let i = 0; i < lane.txCount; i++) {
        const [tos = 0, ttl, window] = MARK_AT.map((at) => octets[(lane.tx.at[i] ?? 0) + at]);
        if (tos !== ttl || tos !== window) mixed++;
        seen.add(tos);
      }
    });
    for (let i = 0; i < RX_MAX; i++) if (lane.meta(i).verdict === Verdict.Replace) replaced++;
    if (seen.size > 1) divided++;
    for (const mark of seen) marks.add(mark);
    packets += RX_MAX;
  }
  return { packets, replaced, sent, mixed, divided, marks: marks.size };
}

function helloOf(i: number): Uint8Array {
  return tcpPacket({
    source: `198.51.100.${i & 0xff}`,
    destination: "203.0.113.9",
    sourcePort: 1024 + (i >> 8),
    destinationPort: 443,
    seq: 1,
    flags: "PA",
    payload: clientHello({ serverName: hostOf(i % HOSTS_PER_TABLE) }),
  });
}
