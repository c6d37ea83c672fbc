// needs root: namespaces, /dev/net/tun, nft, tcpdump, dig. Rules for what comes before a host name is known: the SYN,
// chosen by address, and the DNS query, by its name. A witness behind the first router sees what the techniques did.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { DNS_PORT, ECHO_PORT, type Family, type LiveLab, serverAddress } from "@bunnel/lab/live";
import { readClientHello, TCP_ACK, TCP_SYN, tcpOptionsOf } from "@bunnel/wire";
import { createLab, METHODS, succeed } from "./lab.ts";
import { Witness, type Witnessed } from "./witness.ts";

setDefaultTimeout(240_000);

const FAMILIES: readonly Family[] = [4, 6];
/** Which of the server's addresses each strategy is for. */
const SYN_PLACES = { syndata: 5, synack: 6, window: 7, mss: 8, untouched: 9 } as const;

const synRule = (name: keyof typeof SYN_PLACES, strategy: string): string => {
  const addresses = FAMILIES.map((family) => `"${serverAddress(family, SYN_PLACES[name])}/${family === 4 ? 32 : 128}"`);
  return `[[rule]]\nname = "${name}"\naddresses = [${addresses.join(", ")}]\nstrategy = "syn: ${strategy}"\n`;
};
const dnsRule = (name: string, strategy: string): string =>
  `[[rule]]\nname = "${name}"\nhosts = ["${name}.example.org"]\nstrategy = "dns: ${strategy}"\n`;

// A hop limit of two: seen behind the first router, ended by the second.
const PROFILE = [
  synRule("syndata", "syndata(tls, sni=decoy.example.org)"),
  synRule("synack", "synack(badsum)"),
  synRule("window", "window(1234, scale=2)"),
  synRule("mss", "mss(600)"),
  dnsRule("dropped", "drop"),
  dnsRule("faked", "fake(zeros, ttl=2, x2)"),
  dnsRule("longer", "udplen(+8)"),
  dnsRule("cut", "ipfrag(24)"),
].join("\n");

describe.each(METHODS)("with method %s", (method) => {
  let lab: LiveLab;
  let seen: readonly Witnessed[] = [];
  let digs: Readonly<Record<string, string>> = {};

  beforeAll(async () => {
    lab = await createLab();
    await using _service = await lab.up({ profile: PROFILE, method });
    const witness = await Witness.open(lab.hop, "censor0", "ip or ip6");
    for (const family of FAMILIES) {
      for (const place of Object.values(SYN_PLACES)) await echo(serverAddress(family, place));
    }
    const asked = ["dropped", "faked", "longer", "cut", "untouched"].flatMap((name) =>
      FAMILIES.map(async (family) => [`${name} ${family}`, await dig(`${name}.example.org`, family)] as const),
    );
    digs = Object.fromEntries(await Promise.all(asked));
    seen = await witness.close();
  });
  afterAll(async () => {
    await lab?.[Symbol.asyncDispose]();
  });

  /** A word there and back, over a connection that the rules had their hands on. */
  async function echo(address: string): Promise<void> {
    const script = `exec 3<>/dev/tcp/${address}/${ECHO_PORT}; printf word >&3; timeout 3 head -c 4 <&3`;
    expect(await succeed(lab.client, ["bash", "-c", script])).toBe("word");
  }

  async function dig(name: string, family: Family): Promise<string> {
    const words = ["dig", `@${serverAddress(family)}`, "+short", "+time=1", "+tries=1", "+noedns", name, "A"];
    return (await lab.client.run(words)).stdout.trim();
  }

  /** What went to the server's address before its connection stood. */
  function start(family: Family, place: number): readonly Witnessed[] {
    const sent = seen.filter(
      ({ destination, protocol }) => destination === serverAddress(family, place) && protocol === 6,
    );
    return sent.slice(0, 1 + sent.findLastIndex(({ tcpFlags }) => (tcpFlags & TCP_SYN) !== 0));
  }

  /** The SYN as it arrived, its window, and its options by kind. */
  function synTo(family: Family, place: number): { window: number; mss: number; scale: number; payload: Uint8Array } {
    const [syn, ...others] = start(family, place);
    expect(others).toEqual([]);
    if (syn === undefined) throw new Error("no SYN was seen");
    const options = tcpOptionsOf(syn.octets);
    const mss = options.find((option) => option.kind === "mss");
    const scale = options.find((option) => option.kind === "windowScale");
    const window = ((syn.octets[syn.l4Offset + 14] ?? 0) << 8) | (syn.octets[syn.l4Offset + 15] ?? 0);
    return { window, mss: mss?.bytes ?? 0, scale: scale?.shift ?? 0, payload: syn.payload };
  }

  describe.each(FAMILIES)("and IPv%i", (family) => {
    test("a SYN that no rule asks for is as the system made it", () => {
      const { window, mss, scale, payload } = synTo(family, SYN_PLACES.untouched);
      expect({ mss, payload: payload.length }).toEqual({ mss: family === 4 ? 1460 : 1440, payload: 0 });
      expect(window).not.toBe(1234);
      expect(scale).toBeGreaterThan(2);
    });

    test("syndata: the SYN carries a foreign hello, and the connection works all the same", () => {
      const { payload } = synTo(family, SYN_PLACES.syndata);
      expect(readClientHello(payload)?.serverName).toBe("decoy.example.org");
    });

    test("synack: a SYN,ACK that no server reads goes before the SYN", () => {
      const sent = start(family, SYN_PLACES.synack);
      expect(sent.map(({ tcpFlags }) => tcpFlags)).toEqual([TCP_SYN | TCP_ACK, TCP_SYN]);
    });

    test("window and mss: the SYN says the numbers of the rule", () => {
      expect(synTo(family, SYN_PLACES.window)).toMatchObject({ window: 1234, scale: 2 });
      expect(synTo(family, SYN_PLACES.mss)).toMatchObject({ mss: 600 });
    });

    const queries = (name: string): readonly Witnessed[] =>
      seen.filter(({ destination, destinationPort, payload }) => {
        const label = String.fromCharCode(name.length) + name;
        const isQuery = destination === serverAddress(family) && destinationPort === DNS_PORT;
        return isQuery && Buffer.from(payload).includes(label);
      });

    test("a query that no rule asks for is answered, and leaves as it came", () => {
      expect(digs[`untouched ${family}`]).toBe(serverAddress(4));
      expect(queries("untouched").map(({ payload }) => payload.length)).toEqual([
        12 + 4 + "untouched.example.org".length + 2,
      ]);
    });

    test("drop: the query goes nowhere", () => {
      expect(digs[`dropped ${family}`]).toContain("no servers could be reached");
      expect(queries("dropped")).toEqual([]);
    });

    test("fake: two decoys of its size go before the query, which is answered", () => {
      expect(digs[`faked ${family}`]).toBe(serverAddress(4));
      const [query] = queries("faked");
      const decoys = seen.filter(({ sourcePort, destinationPort, destination, hopLimit }) => {
        const isTo = destination === serverAddress(family) && destinationPort === DNS_PORT;
        return isTo && sourcePort === query?.sourcePort && hopLimit === 1;
      });
      expect(decoys.map(({ payload }) => payload)).toEqual(
        [0, 1].map(() => new Uint8Array(query?.payload.length ?? 0)),
      );
      expect(decoys.every((decoy) => seen.indexOf(decoy) < (query ? seen.indexOf(query) : 0))).toBe(true);
    });

    test("udplen: the query is longer by eight octets, and is answered", () => {
      expect(digs[`longer ${family}`]).toBe(serverAddress(4));
      expect(queries("longer").map(({ payload }) => payload.length)).toEqual([
        12 + 4 + "longer.example.org".length + 2 + 8,
      ]);
    });

    test("ipfrag: the query leaves in fragments, and is answered", () => {
      expect(digs[`cut ${family}`]).toBe(serverAddress(4));
      const pieces = seen.filter(({ destination, fragment }) => destination === serverAddress(family) && fragment);
      expect(pieces.map(({ fragmentOffset }) => fragmentOffset)).toEqual([0, 3]);
    });
  });
});
