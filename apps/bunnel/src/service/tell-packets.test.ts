import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { L7, Reason, Verdict } from "@bunnel/abi";
import {
  CaptureFeed,
  CaptureKind,
  CaptureLevel,
  CaptureRing,
  type BackendHandle,
  type CaptureRecord,
} from "@bunnel/backend";
import { defaultProfile } from "@bunnel/profile";
import { readPacketEvent } from "../capture/packet-event.ts";
import { watchControl } from "../control/client.ts";
import { ControlServer } from "../control/server.ts";
import { tellPackets } from "./tell-packets.ts";

const OCTETS = Uint8Array.of(0x45, 0, 0, 20);
const PLAIN = { verdict: Verdict.Pass, reason: Reason.PassOrdinary, l7: L7.None, rule: -1 };
const PLANNED = { verdict: Verdict.Replace, reason: Reason.ReplacePlanned, l7: L7.Tls, rule: 0 };

let folder: string;
let ring: CaptureRing;
let control: ControlServer;
let telling: Disposable;
let noted: string[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "bunnel-test-"));
  ring = new CaptureRing(CaptureRing.memory());
  noted = [];
  control = await ControlServer.open(join(folder, "control.sock"), {});
  const captured = new CaptureFeed([ring], (rule) => rule);
  const handle = { captured, pipeline: { profile: defaultProfile() } } as unknown as BackendHandle;
  telling = tellPackets(handle, control, (what) => noted.push(what));
});

afterEach(() => {
  telling[Symbol.dispose]();
  control.close();
  rmSync(folder, { recursive: true });
});

function copy(said: typeof PLAIN, number: number): void {
  const record = { ...said, number, kind: CaptureKind.Before, index: 0, count: 0, delayMs: 0, timeMs: 1.5 };
  ring.write([{ ...record, octets: OCTETS }]);
}

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 2000 && !condition(); i++) await Bun.sleep(1);
  expect(condition()).toBe(true);
}

/** What the next event holds. */
async function heard(events: AsyncGenerator<{ readonly data: unknown }, void>) {
  const { value } = await events.next();
  return readPacketEvent(value?.data).packets;
}

describe("tellPackets()", () => {
  test("copies nothing until somebody watches, and nothing more when he has gone", async () => {
    expect(ring.level).toBe(CaptureLevel.Off);
    const leaving = new AbortController();
    await watchControl(control.path, ["state", "stats", "reload", "error"]);
    expect(ring.level).toBe(CaptureLevel.Off);
    await watchControl(control.path, ["packets"], leaving.signal);
    expect(ring.level).toBe(CaptureLevel.Packets);
    leaving.abort();
    await until(() => ring.level === CaptureLevel.Off);
    expect(noted).toEqual(["capture packets", "capture off"]);
  });

  test("the service itself hears of messages always, and of what arrived before each look", async () => {
    telling[Symbol.dispose]();
    const heardHere: (string | number)[] = [];
    const captured = new CaptureFeed([ring], (rule) => rule);
    const handle = { captured, pipeline: { profile: defaultProfile() } } as unknown as BackendHandle;
    const hearer = {
      begin: () => void heardHere.push("begin"),
      take: (records: readonly CaptureRecord[]) => void heardHere.push(...records.map(({ number }) => number)),
      nextLookMs: () => Infinity,
    };
    noted = [];
    telling = tellPackets(handle, control, (what) => noted.push(what), hearer);
    expect(ring.level).toBe(CaptureLevel.Heads);
    copy(PLANNED, 7);
    await until(() => heardHere.includes(7));
    expect(heardHere[heardHere.indexOf(7) - 1]).toBe("begin");
    const leaving = new AbortController();
    const packets = await watchControl(control.path, ["packets"], leaving.signal);
    expect(ring.level).toBe(CaptureLevel.Packets);
    copy(PLAIN, 8);
    if (packets === undefined) throw new Error("expected a service that answers");
    expect((await heard(packets)).map(({ number }) => number)).toEqual([8]);
    leaving.abort();
    await until(() => ring.level === CaptureLevel.Heads);
    expect(noted).toEqual(["capture packets", "capture off"]);
  });

  test("tells each what he watches for, as much as both need", async () => {
    const messages = await watchControl(control.path, ["messages"]);
    expect(ring.level).toBe(CaptureLevel.Messages);
    const packets = await watchControl(control.path, ["packets"]);
    expect(ring.level).toBe(CaptureLevel.Packets);
    if (messages === undefined || packets === undefined) throw new Error("expected a service that answers");
    copy(PLAIN, 1);
    copy(PLANNED, 2);
    expect(await heard(packets)).toMatchObject([
      { number: 1, verdict: "Pass", reason: "PassOrdinary", side: "before", octets: OCTETS },
      { number: 2, verdict: "Replace", message: "tls", rule: "everything" },
    ]);
    expect((await heard(messages)).map(({ number }) => number)).toEqual([2]);
  });
});
