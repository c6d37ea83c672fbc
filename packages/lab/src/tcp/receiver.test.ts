// The expectations of the first table are what a TCP server on Linux 6.18.44 did with the same segments: "decoy" when
// the application read the segment in question, "real" when it read the plain one sent after it.
import { describe, expect, test } from "bun:test";
import { tcpOptions } from "@bunnel/wire";
import { CLIENT_SEQ, fromClient, SERVER_SEQ, stamp } from "../sample-traffic.ts";
import type { Change } from "../sample-traffic.ts";
import { RECEIVE_WINDOW_BYTES, TcpReceiver } from "./receiver.ts";
import type { Reception } from "./receiver.ts";
import { readSegment } from "./segment.ts";
import { sequenceAfter } from "./sequence.ts";
import { WindowsQueue } from "./windows-queue.ts";

const DECOY = new Uint8Array(20).fill(100);
const REAL = new Uint8Array(20).fill(114);
const NONE = new Uint8Array(0);
const SENT = { unacknowledged: SERVER_SEQ + 1, next: SERVER_SEQ + 1, acknowledgedBytes: 0 };
const MD5 = tcpOptions([{ kind: "md5", digest: new Uint8Array(16) }]);

function give(receiver: TcpReceiver, packet: Uint8Array): Reception {
  const segment = readSegment(packet);
  if (segment === undefined) throw new Error("sample must be a segment, found none");
  return receiver.receive(segment, SENT);
}

function seq(octets: number): Change {
  return { seq: sequenceAfter(CLIENT_SEQ + 1, octets) };
}

function ack(octets: number): Change {
  return { ack: sequenceAfter(SERVER_SEQ + 1, octets) };
}

interface Row {
  readonly what: string;
  readonly change: Change;
  readonly payload?: Uint8Array;
  readonly kind: Reception["kind"];
  readonly reads?: "decoy";
}

const ROWS: readonly Row[] = [
  { what: "a plain segment", change: {}, kind: "taken", reads: "decoy" },
  { what: "no ACK flag", change: { flags: "P" }, kind: "ignored" },
  { what: "no flags", change: { flags: "-" }, kind: "ignored" },
  { what: "SYN set", change: { flags: "SPA" }, kind: "answered" },
  { what: "a new SYN", change: { flags: "S", ...seq(990_000) }, kind: "answered" },
  { what: "an acknowledgement far behind", change: ack(-66_000), kind: "answered" },
  { what: "an acknowledgement one octet behind", change: ack(-1), kind: "answered" },
  { what: "an acknowledgement ahead", change: ack(1), kind: "answered" },
  { what: "an MD5 signature", change: { options: MD5 }, kind: "ignored" },
  { what: "a sequence number far behind", change: seq(-10_000), kind: "answered" },
  { what: "a sequence number ahead in the window", change: seq(1000), kind: "taken" },
  { what: "a sequence number behind the window", change: seq(70_000), kind: "answered" },
  { what: "a sequence number on the other side", change: seq(2 ** 31), kind: "answered" },
  { what: "RST at the expected octet", change: { flags: "R" }, payload: NONE, kind: "reset" },
  { what: "RST,ACK at the expected octet", change: { flags: "RA" }, payload: NONE, kind: "reset" },
  { what: "RST one octet ahead", change: { flags: "R", ...seq(1) }, payload: NONE, kind: "answered" },
  { what: "RST one octet behind", change: { flags: "R", ...seq(-1) }, payload: NONE, kind: "ignored" },
  { what: "FIN without ACK", change: { flags: "F" }, kind: "ignored" },
  { what: "FIN with ACK", change: { flags: "FA" }, kind: "taken", reads: "decoy" },
  { what: "a timestamp that was not agreed on", change: { options: stamp(1) }, kind: "taken", reads: "decoy" },
];

describe("TcpReceiver.receive()", () => {
  test.each(ROWS)("treats as Linux does: $what", ({ change, payload, kind, reads }) => {
    const receiver = new TcpReceiver(CLIENT_SEQ + 1);
    const reception = give(receiver, fromClient(0, payload ?? DECOY, change));
    expect(reception.kind).toBe(kind);
    if (kind === "reset") return;
    if (reception.kind === "taken") expect(reception.octets).toEqual(reads === "decoy" ? DECOY : NONE);
    if (reads === undefined) expect(give(receiver, fromClient(0, REAL))).toEqual({ kind: "taken", octets: REAL });
  });

  test.each([
    [-1, "taken"],
    [-100, "answered"],
    [-600_000, "answered"],
    [-(2 ** 31) + 2, "answered"],
    [100, "taken"],
    [0x70000000, "taken"],
  ] as const)("a TSval that differs by %d from the last one is %s", (difference, kind) => {
    const receiver = new TcpReceiver(CLIENT_SEQ + 1, 1_000_000);
    const options = stamp(sequenceAfter(1_000_000, difference));
    expect(give(receiver, fromClient(0, DECOY, { options })).kind).toBe(kind);
  });

  test("takes a segment without timestamp where timestamps were agreed on", () => {
    expect(give(new TcpReceiver(CLIENT_SEQ + 1, 1_000_000), fromClient(0, DECOY)).kind).toBe("taken");
  });

  test("takes what it expects next whatever it acknowledges, once the stream runs and nothing waits", () => {
    const receiver = new TcpReceiver(CLIENT_SEQ + 1);
    expect(give(receiver, fromClient(0, DECOY, ack(-66_000))).kind).toBe("answered");
    give(receiver, fromClient(0, REAL));
    expect(give(receiver, fromClient(20, DECOY, ack(1))).kind).toBe("answered");
    expect(give(receiver, fromClient(20, DECOY, { flags: "PA", ...ack(-66_000) }))).toEqual({
      kind: "taken",
      octets: DECOY,
    });
    give(receiver, fromClient(60, REAL));
    expect(give(receiver, fromClient(40, DECOY, ack(-66_000))).kind).toBe("answered");
  });

  test("judges every acknowledgement where headers are not predicted", () => {
    const receiver = new TcpReceiver(CLIENT_SEQ + 1, undefined, new WindowsQueue());
    give(receiver, fromClient(0, REAL));
    expect(give(receiver, fromClient(20, DECOY, ack(-66_000))).kind).toBe("answered");
  });

  test("an old timestamp does not save from a RST", () => {
    const receiver = new TcpReceiver(CLIENT_SEQ + 1, 1_000_000);
    expect(give(receiver, fromClient(0, NONE, { flags: "RA", options: stamp(1) })).kind).toBe("reset");
  });

  test("remembers the newest timestamp of segments in order, and not of early ones", () => {
    const receiver = new TcpReceiver(CLIENT_SEQ + 1, 1000);
    give(receiver, fromClient(5, DECOY, { options: stamp(9000) }));
    expect(receiver.timestamp).toBe(1000);
    give(receiver, fromClient(0, DECOY, { options: stamp(2000) }));
    expect(receiver.timestamp).toBe(2000);
    expect(give(receiver, fromClient(25, DECOY, { options: stamp(1500) })).kind).toBe("answered");
  });

  test("cuts off what lies behind the window", () => {
    const receiver = new TcpReceiver(CLIENT_SEQ + 1);
    give(receiver, fromClient(RECEIVE_WINDOW_BYTES - 5, DECOY));
    for (let at = 0; at < RECEIVE_WINDOW_BYTES; at += 1000) {
      give(receiver, fromClient(at, new Uint8Array(Math.min(1000, RECEIVE_WINDOW_BYTES - 5 - at))));
    }
    expect(receiver.expected).toBe(CLIENT_SEQ + 1 + RECEIVE_WINDOW_BYTES);
  });

  test("counts the FIN once all octets before it came, and ignores octets behind it", () => {
    const receiver = new TcpReceiver(CLIENT_SEQ + 1);
    give(receiver, fromClient(20, DECOY, { flags: "FA" }));
    expect(receiver.finished).toBe(false);
    give(receiver, fromClient(0, DECOY));
    expect(receiver.finished).toBe(true);
    expect(receiver.expected).toBe(CLIENT_SEQ + 1 + 41);
    expect(give(receiver, fromClient(41, DECOY))).toEqual({ kind: "taken", octets: NONE });
  });

  test("does not judge acknowledgements when it does not know what was sent", () => {
    const segment = readSegment(fromClient(0, DECOY, ack(-66_000)));
    expect(segment === undefined ? undefined : new TcpReceiver(CLIENT_SEQ + 1).receive(segment).kind).toBe("taken");
  });
});
