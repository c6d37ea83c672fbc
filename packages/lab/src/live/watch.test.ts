import { expect, test } from "bun:test";
import { clientHello, tcpPacket, udpPacket } from "@bunnel/wire";
import { ALLOWED_NAME, BLOCKED_NAME, CLIENT_ADDRESS, serverAddress } from "./address-plan.ts";
import { Watch } from "./watch.ts";

function hello(host: string, family: 4 | 6, place: number): Uint8Array {
  return tcpPacket({
    source: CLIENT_ADDRESS[family],
    destination: serverAddress(family, place),
    sourcePort: 40_000,
    destinationPort: 443,
    seq: 1,
    flags: "PA",
    payload: clientHello({ serverName: host }),
  });
}

test.each([4, 6] as const)("Watch.judge() asks the model of the address alone, IPv%i", (family) => {
  const watch = new Watch();
  watch.set(["packet", undefined], 2);
  expect(watch.judge(hello(BLOCKED_NAME, family, 0), 0).forward).toBe(false);
  expect(watch.judge(hello(ALLOWED_NAME, family, 0), 0).forward).toBe(true);
  expect(watch.judge(hello(BLOCKED_NAME, family, 1), 0).forward).toBe(true);
  expect(watch.judge(hello(BLOCKED_NAME, family, 2), 0).forward).toBe(true);
  expect(watch.counts).toEqual([{ censor: "packet", seen: 2, dropped: 1, injected: 0, matched: 1 }, null]);
});

test("Watch.judge() shows a model the server's packets as inbound", () => {
  const watch = new Watch();
  watch.set(["first-packet"], 2);
  watch.judge(hello(BLOCKED_NAME, 4, 0), 0);
  const answer = tcpPacket({
    source: serverAddress(4, 0),
    destination: CLIENT_ADDRESS[4],
    sourcePort: 443,
    destinationPort: 40_000,
    seq: 1,
    flags: "A",
  });
  // The flow is blocked by now, in both directions.
  expect(watch.judge(answer, 0).forward).toBe(false);
  expect(watch.counts[0]).toMatchObject({ seen: 2, dropped: 2, injected: 2, matched: 1 });
});

test("Watch.set() puts models without memory in place", () => {
  const watch = new Watch();
  watch.set(["first-packet"], 2);
  watch.judge(hello(BLOCKED_NAME, 4, 0), 0);
  watch.set(["first-packet"], 2);
  expect(watch.counts[0]).toMatchObject({ seen: 0, matched: 0 });
  expect(watch.judge(hello(ALLOWED_NAME, 4, 0), 0).forward).toBe(true);
});

test("Watch.judge() notes probes with the hop limit that is left of them", () => {
  const watch = new Watch();
  const probe = { source: CLIENT_ADDRESS[4], destination: serverAddress(4), sourcePort: 5000, hopLimit: 3 };
  watch.judge(udpPacket({ ...probe, destinationPort: 9, payload: Uint8Array.of(5) }), 0);
  watch.judge(udpPacket({ ...probe, destinationPort: 10, payload: Uint8Array.of(6) }), 0);
  expect(watch.probes).toEqual([{ probe: 5, hopLimit: 3 }]);
});

test("Watch.judge() lets what it cannot read pass", () => {
  const watch = new Watch();
  watch.set(["strict"], 2);
  for (const bytes of [0, 1, 19]) expect(watch.judge(new Uint8Array(bytes), 0).forward).toBe(true);
});
