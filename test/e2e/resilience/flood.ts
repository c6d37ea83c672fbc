// A flood through a running service, pages that are asked for meanwhile, and what the service's figures say about it.
import { BLOCKED_NAME } from "@bunnel/lab/live";
import { expect } from "bun:test";
import { expectServed, succeed } from "../lab.ts";
import { FLOOD_SENDER, type FloodKind } from "@bunnel/tools/soak";
import type { Rig, Running, Status } from "./rig.ts";

/** Where the flood goes: a router that throws it away. */
const FLOODED = "198.18.99.0/24";
/** A page that loses every other packet to a flood comes late, but it comes. */
const PAGE_MS = 20_000;
/** Ends a flood that a slow machine cannot take. */
const FLOOD_MS = 25_000;

export interface FloodOrder {
  readonly kind: FloodKind;
  readonly packets: number;
  /** Between bursts of 256. */
  readonly pauseMs: number;
}

const LOOK_EVERY_MS = 50;
const LOOKS_MAX = 200;

export interface Flooded {
  /** Packets that the flooder got rid of. */
  readonly sent: number;
  readonly before: Status;
  readonly after: Status;
  /** Pages that came meanwhile. */
  readonly pages: number;
}

/** Behind the first router the flood goes nowhere. */
export async function closeTheWay({ lab }: Rig): Promise<void> {
  await succeed(lab.censor, ["ip", "route", "add", "blackhole", FLOODED]);
}

export async function flood(rig: Rig, running: Running, { kind, packets, pauseMs }: FloodOrder): Promise<Flooded> {
  const before = await running.status();
  const words = [process.execPath, FLOOD_SENDER, kind, String(packets), String(pauseMs)];
  let isOver = false;
  const sender = rig.lab.client.run(words, { timeoutMs: FLOOD_MS }).finally(() => (isOver = true));
  let pages = 0;
  while (!isOver) {
    const order = { host: BLOCKED_NAME, scheme: "https", family: 4, timeoutMs: PAGE_MS } as const;
    await expectServed(rig.lab, order);
    pages++;
  }
  const { status, stdout, stderr } = await sender;
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  const { sent } = JSON.parse(stdout) as { readonly sent: number };
  // The last ones may still wait in the device's queue.
  let after = await running.status();
  for (let looks = 0; looks < LOOKS_MAX && seenOf(before, after) < sent; looks++) {
    await Bun.sleep(LOOK_EVERY_MS);
    after = await running.status();
  }
  return { sent, before, after, pages };
}

/** Packets that came up meanwhile, or were counted where they were lost. */
function seenOf(before: Status, after: Status): number {
  return after.packetsIn - before.packetsIn + after.deviceDropped - before.deviceDropped;
}

/** Every packet that came up has one verdict, whatever it was. */
export function expectConserved({ packetsIn, passed, replaced, held, dropped }: Status): void {
  expect(passed + replaced + held + dropped).toBe(packetsIn);
}

/** Every packet of the flood came up, or was counted where it was lost. */
export function expectCounted({ sent, before, after }: Flooded): void {
  expect(seenOf(before, after)).toBeGreaterThanOrEqual(sent);
}
