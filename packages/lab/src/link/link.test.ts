import { describe, expect, test } from "bun:test";
import { decodePacket, TCP_PSH, TCP_SYN, tcpPacket } from "@bunnel/wire";
import type { Censor } from "../censors/censor.ts";
import { makeCensor } from "../censors/gallery.ts";
import { Endpoint } from "../endpoint.ts";
import { BLOCKED, TLS } from "../sample-traffic.ts";
import { Client } from "./client.ts";
import { Link, LINK_TIME_MAX_MS } from "./link.ts";
import type { LinkOptions, LinkParts, LinkReport } from "./link.ts";

interface Run {
  readonly client: Client;
  readonly server: Endpoint;
  readonly report: LinkReport;
}

function run(options: LinkOptions = {}, parts: Partial<LinkParts> = {}): Run {
  const addresses = { source: "192.0.2.7", destination: "203.0.113.9", sourcePort: 40000, destinationPort: 443 };
  const client = new Client({ ...addresses, message: TLS.bad });
  const server = new Endpoint({ addresses: [addresses.destination] });
  return { client, server, report: new Link({ client, server, ...parts }, options).run() };
}

/** A censor that lets everything pass and remembers the hop limits that it saw. */
function watcher(seen: string[]): Censor {
  return {
    name: "watcher",
    says: "It only looks.",
    reset() {},
    judge(packet, direction) {
      seen.push(`${direction} ${decodePacket(packet).hopLimit}`);
      return { forward: true };
    },
  };
}

describe("Link.run()", () => {
  test("carries a connection from SYN to answer and comes to rest", () => {
    const { client, server, report } = run();
    expect(client.state).toBe("answered");
    expect(server.flows[0]?.stream).toEqual(TLS.bad);
    expect(report).toMatchObject({ cutOff: false, matched: [], endedMs: 50 });
    expect(report.counts).toMatchObject({ lost: 0, expired: 0, censored: 0, injected: 0, sent: report.counts.arrived });
  });

  test("counts hops down before and behind the censor, both ways", () => {
    const seen: string[] = [];
    const { report } = run({ hopsBefore: 4, hopsAfter: 6 }, { censor: watcher(seen) });
    expect(new Set(seen)).toEqual(new Set(["outbound 60", "inbound 58"]));
    const arrived = report.events.filter(({ fate }) => fate === "arrived");
    expect(new Set(arrived.map(({ packet }) => decodePacket(packet).hopLimit))).toEqual(new Set([54]));
    expect(run({ hopsBefore: 63, hopsAfter: 0 }).client.state).toBe("answered");
    expect(run({ hopsBefore: 63, hopsAfter: 1 }).report.counts).toMatchObject({ arrived: 0 });
    expect(run({ hopsBefore: 64, hopsAfter: 0 }).report.counts).toMatchObject({ arrived: 0 });
  });

  test("tells the client of a packet that ended at a router, and a connection that is only opening is given up", () => {
    const decoy = (flags: "SA" | "PA", ttl: number): LinkParts["transform"] => {
      return (packet) => {
        const { tcpFlags, seq } = decodePacket(packet);
        const ends = { source: "192.0.2.7", destination: "203.0.113.9", sourcePort: 40000, destinationPort: 443 };
        const isNext = flags === "SA" ? tcpFlags === TCP_SYN : (tcpFlags & TCP_PSH) !== 0;
        return isNext ? [tcpPacket({ ...ends, seq, flags, hopLimit: ttl }), packet] : [packet];
      };
    };
    for (const ttl of [1, 4]) {
      expect(run({}, { transform: decoy("SA", ttl) }).client.state).toBe("reset");
      expect(run({}, { transform: decoy("PA", ttl) }).client.state).toBe("answered");
    }
    expect(run({}, { transform: decoy("SA", 64) }).client.state).toBe("answered");
  });

  test("counts down for injected packets from the censor on", () => {
    const names = { blocked: [BLOCKED], reaction: "rst" } as const;
    const { report } = run({ hopsBefore: 4, hopsAfter: 6 }, { censor: makeCensor("packet", names) });
    const resets = report.events.filter(
      ({ fate, packet }) => fate === "arrived" && (decodePacket(packet).tcpFlags & 4) !== 0,
    );
    expect(resets.map(({ direction, packet }) => `${direction} ${decodePacket(packet).hopLimit}`)).toEqual([
      "inbound 60",
      "outbound 58",
    ]);
  });

  test("puts the transform's packets in place of the client's", () => {
    const { client, server, report } = run({}, { transform: (packet) => [packet, packet] });
    expect(client.state).toBe("answered");
    expect(server.flows).toHaveLength(1);
    const sent = report.events.filter(({ fate, direction }) => fate === "sent" && direction === "outbound");
    expect(sent.length % 2).toBe(0);
  });

  test("keeps what the censor drops and delivers what it injects to the right end", () => {
    const toServer: Uint8Array[] = [];
    const censor: Censor = {
      name: "cutter",
      says: "It ends every connection with data.",
      reset() {},
      judge(packet, direction) {
        const { payloadBytes, seq, ack, source, destination, sourcePort, destinationPort } = decodePacket(packet);
        if (direction === "inbound" || payloadBytes === 0) return { forward: true };
        toServer.push(packet);
        const made = packet.slice();
        expect([seq, ack, source, destination, sourcePort, destinationPort].every(Boolean)).toBe(true);
        return { forward: false, matched: "data", inject: [{ packet: made, to: "server" }] };
      },
    };
    const { client, server, report } = run({}, { censor });
    expect(toServer).toHaveLength(1);
    expect(report.counts).toMatchObject({ censored: 1, injected: 1 });
    expect(report.matched).toEqual(["data"]);
    expect(server.served).toBe(true);
    expect(client.state).toBe("answered");
  });

  test("refuses packets above the MTU", () => {
    const { client, server, report } = run({ mtuBytes: 200 });
    expect(client.state).toBe("gave-up");
    expect(server.flows[0]?.stream).toHaveLength(0);
    expect(report.counts.tooBig).toBeGreaterThan(1);
  });

  test("ends when everything is lost", () => {
    const { client, report } = run({ loss: 1 });
    expect(client.state).toBe("gave-up");
    expect(report.counts).toMatchObject({ arrived: 0, lost: report.counts.sent });
    expect(report.endedMs).toBeLessThan(LINK_TIME_MAX_MS);
  });

  test("gives equal runs for equal seeds, and others for other seeds", () => {
    const faults = { loss: 0.2, duplication: 0.2, reordering: 0.2 };
    expect(run({ ...faults, seed: 3 }).report).toEqual(run({ ...faults, seed: 3 }).report);
    const fates = [1, 2, 3, 4, 5].map((seed) => JSON.stringify(run({ ...faults, seed }).report.counts));
    expect(new Set(fates).size).toBeGreaterThan(1);
  });

  test("delivers the message over a bad path, octet for octet", () => {
    let faults = 0;
    for (let seed = 1; seed <= 100; seed += 1) {
      const { client, server, report } = run({ loss: 0.1, duplication: 0.1, reordering: 0.2, seed });
      expect(client.state).toBe("answered");
      expect(server.flows.at(-1)?.stream).toEqual(TLS.bad);
      faults += report.counts.lost + report.counts.doubled + report.counts.heldBack;
    }
    expect(faults).toBeGreaterThan(100);
  });
});
