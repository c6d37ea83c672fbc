import { describe, expect, test } from "bun:test";
import { clientHello, decodePacket, POST_QUANTUM_SHARE_BYTES } from "@bunnel/wire";
import { EngineRig, strategyTable } from "../matrix/engine-rig.ts";
import { runCell } from "../matrix/run-cell.ts";
import { fromClient, syn, TLS } from "../sample-traffic.ts";

async function rigWith(strategy: string): Promise<EngineRig> {
  const rig = await EngineRig.create();
  rig.load(strategyTable(strategy));
  return rig;
}

describe("EngineGateway", () => {
  test("sends what the engine makes, in order, and later what is delayed", async () => {
    const { gateway } = await rigWith("tls: split(1, midsld) disorder delay(7)");
    const sent: [number, number][] = [];
    const send = (packet: Uint8Array, afterMs: number) => void sent.push([decodePacket(packet).payloadBytes, afterMs]);
    gateway.begin();
    gateway.outbound(syn(), 0, send);
    gateway.outbound(fromClient(0, TLS.bad), 1, send);
    expect(sent[0]).toEqual([0, 0]);
    const pieces = sent.slice(1);
    expect(pieces.reduce((sum, [bytes]) => sum + bytes, 0)).toBe(TLS.bad.length);
    expect(pieces.at(-1)?.[0]).toBe(1);
    expect(pieces.map(([, afterMs]) => afterMs)).toEqual(
      pieces.map(([, afterMs]) => afterMs).toSorted((a, b) => a - b),
    );
    expect(pieces.at(-1)?.[1]).toBeGreaterThan(0);
  });

  test("a path keeps delays: the page comes later, and whole", async () => {
    const { gateway } = await rigWith("tls: split(1, midsld) delay(40)");
    const last = (events: readonly { readonly atMs: number }[]) => events.at(-1)?.atMs ?? 0;
    const plain = runCell({ message: "tls" });
    const delayed = runCell({ message: "tls", gateway });
    expect([plain.outcome, delayed.outcome]).toEqual(["served", "served"]);
    expect(last(delayed.events)).toBeGreaterThanOrEqual(last(plain.events) + 40);
  });

  test("holds a hello that spans packets, and lets go of it when the rest never comes", async () => {
    const { gateway } = await rigWith("tls: split(1, midsld) disorder");
    const hello = clientHello({ serverName: "video.example.org", keyShareBytes: POST_QUANTUM_SHARE_BYTES });
    const sent: Uint8Array[] = [];
    const send = (packet: Uint8Array) => void sent.push(packet);
    gateway.begin();
    gateway.outbound(syn(), 0, send);
    gateway.outbound(fromClient(0, hello.subarray(0, 1400)), 1, send);
    expect(sent).toHaveLength(1);
    let turns = 0;
    for (let due = gateway.dueMs; due !== undefined && turns < 100; due = gateway.dueMs) {
      gateway.tick(due, send);
      turns += 1;
    }
    expect(gateway.dueMs).toBeUndefined();
    expect(decodePacket(sent[1] ?? new Uint8Array(0)).payload).toEqual(hello.subarray(0, 1400));
    const cell = runCell({ message: "tls", gateway, hello: { keyShareBytes: POST_QUANTUM_SHARE_BYTES } });
    expect(cell.outcome).toBe("served");
  });

  test("forgets a connection when the next begins: the same cell comes out the same, octet for octet", async () => {
    const { gateway } = await rigWith("tls: fake(sni=www.example.org, ttl=4) split(1, midsld) disorder");
    const events = () => runCell({ message: "tls", gateway, seed: 3 }).events;
    const first = events();
    for (let seed = 10; seed < 30; seed += 1) runCell({ message: "tls", gateway, seed });
    expect(events()).toEqual(first);
  });

  test("learns the distance from what comes back", async () => {
    const { gateway } = await rigWith("tls: fake(sni=www.example.org, ttl=auto-1:1-20)");
    const fakes = (hopsAfter: number) => {
      const { outcome, events } = runCell({ message: "tls", gateway, link: { hopsAfter } });
      expect(outcome).toBe("served");
      return events.filter(({ fate, packet }) => fate === "sent" && decodePacket(packet).hopLimit < 30).length;
    };
    expect([fakes(3), fakes(9)]).toEqual([1, 1]);
  });
});
