// needs root: namespaces, /dev/net/tun, nft, curl. A router with the program on it, and clients of its network that
// know nothing of it.
import { afterAll, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { ALLOWED_NAME, BLOCKED_NAME, type LabHost, type LiveLab, serverAddress } from "@bunnel/lab/live";
import { clientHello, POST_QUANTUM_SHARE_BYTES } from "@bunnel/wire";
import { createLab, expectServed, networkState, STRATEGY, succeed } from "./lab.ts";
import { joinLan, LAN_INTERFACE, TRANSLATIONS, type Translation } from "./lan.ts";

setDefaultTimeout(240_000);

const FAMILIES = [4, 6] as const;
const SCHEMES = ["https", "http"] as const;
/** Hop limit of a client's packet at the server: router, censor and hop have taken one each. */
const HOP_LIMIT = 61;

let lab: LiveLab;
let lan: LabHost;

async function open(translation: Translation): Promise<void> {
  lab = await createLab();
  try {
    lan = await joinLan(lab, translation);
  } catch (error) {
    await lab[Symbol.asyncDispose]();
    throw error;
  }
}

async function shut(): Promise<void> {
  await lan[Symbol.asyncDispose]();
  await lab[Symbol.asyncDispose]();
}

function profile(strategy = STRATEGY, more = ""): string {
  const gateway = `[gateway]\ninterfaces = ["${LAN_INTERFACE}"]\n`;
  return `${gateway}${more}\n[[rule]]\nname = "all"\nstrategy = "${strategy}"\n`;
}

/** What becomes of a page in each scheme and family. */
async function pages(host: string): Promise<string[]> {
  const orders = SCHEMES.flatMap((scheme) => FAMILIES.map((family) => ({ host, scheme, family, from: lan })));
  return Promise.all(orders.map(async (order) => (await lab.fetch(order)).outcome));
}

const all = (outcome: string) => SCHEMES.flatMap(() => FAMILIES.map(() => outcome));

/** Counters of packets in a chain of a host, in the order of their rules. */
async function counted(host: LabHost, table: string, chain: string): Promise<number[]> {
  const listed = await succeed(host, ["nft", "list", "chain", "inet", table, chain]);
  return [...listed.matchAll(/counter packets (\d+)/gu)].map(([, packets]) => Number(packets));
}

/** Counts what arrives at the server: all, and what has another hop limit or source than it should have. */
async function watchServer(translation: Translation): Promise<() => Promise<number[]>> {
  const [from4, from6] = translation === "plain" ? ["198.18.7.2", "2001:db8:77::2"] : ["192.0.2.2", "2001:db8:1::2"];
  const table = `table inet watch {
    chain arrived {
      type filter hook prerouting priority 0;
      meta l4proto != tcp return
      tcp dport != 443 return
      counter
      ip ttl != ${HOP_LIMIT} counter
      ip6 hoplimit != ${HOP_LIMIT} counter
      ip saddr != ${from4} counter
      ip6 saddr != ${from6} counter
    }
  }`;
  await succeed(lab.server, ["nft", "-f", "/dev/stdin"], new TextEncoder().encode(table));
  return () => counted(lab.server, "watch", "arrived");
}

describe.each(TRANSLATIONS)("a gateway with addresses that are kept or translated: %s", (translation) => {
  beforeAll(() => open(translation));
  afterAll(shut);
  beforeEach(() => lab.setCensor("packet"));

  test("serves clients of its network and itself, and leaves nothing", async () => {
    const before = await networkState(lab.client);
    expect(await pages(BLOCKED_NAME)).toEqual(all("blocked"));
    const service = await lab.up({ profile: profile() });
    expect(await pages(BLOCKED_NAME)).toEqual(all("served"));
    const own = { host: BLOCKED_NAME, scheme: "https", family: 4 } as const;
    await expectServed(lab, own);
    expect((await service.stop()).status).toBe(0);
    expect(await networkState(lab.client)).toEqual(before);
    expect(await pages(BLOCKED_NAME)).toEqual(all("blocked"));
    expect(await pages(ALLOWED_NAME)).toEqual(all("served"));
  });

  test("counts as one hop, and what it sends on has the source of the connection", async () => {
    await lab.setCensor(undefined);
    const watched = await watchServer(translation);
    await using _ = await lab.up({ profile: profile() });
    expect(await pages(BLOCKED_NAME)).toEqual(all("served"));
    const [packets, ...strange] = await watched();
    expect(packets).toBeGreaterThan(8);
    expect(strange).toEqual([0, 0, 0, 0]);
  });

  test("kill -9 lets everything pass; with a kill switch it closes what rules want", async () => {
    const first = await lab.up({ profile: profile() });
    expect(await pages(BLOCKED_NAME)).toEqual(all("served"));
    await first.kill();
    expect(await pages(ALLOWED_NAME)).toEqual(all("served"));
    const closed = await lab.up({ profile: profile(STRATEGY, "[interception]\nkill_switch = true") });
    expect(await pages(BLOCKED_NAME)).toEqual(all("served"));
    await closed.kill();
    expect(await pages(ALLOWED_NAME)).not.toContain("served");
    await succeed(lan, ["ping", "-c1", "-W2", serverAddress(4)]);
  });

  test("knows how far away servers are, seen from itself: ttl=auto", async () => {
    await lab.setCensor("full-first");
    await using service = await lab.up({ profile: profile("tls: fake(ttl=auto-1)") });
    for (const family of FAMILIES) {
      const order = { host: BLOCKED_NAME, scheme: "https", family, from: lan } as const;
      await expectServed(lab, order);
    }
    // Connections of tests before this one may still repeat a hello; of those nobody knows the distance.
    expect((await service.stop()).report).toMatchObject({ fakes: 2 });
  });

  test("carries flows of stream rules on", async () => {
    const stream = `[gateway]\ninterfaces = ["${LAN_INTERFACE}"]\n
      [[rule]]\nname = "all"\negress = "stream"\nports = [443]\nstrategy = "tls: tlsrec(midsld) split(1, midsld)"\n`;
    await using _ = await lab.up({ profile: stream });
    for (const family of FAMILIES) {
      const order = { host: BLOCKED_NAME, scheme: "https", family, from: lan } as const;
      await expectServed(lab, order);
    }
  });

  test("works behind a firewall that keeps states and lets its network into the device", async () => {
    const rules = `table inet firewall {
      chain forward {
        type filter hook forward priority filter; policy drop;
        ct state invalid drop
        ct state established,related accept
        iifname "${LAN_INTERFACE}" oifname { "eth0", "bunnel0" } accept
      }
      chain output {
        type filter hook output priority filter; policy accept;
        ct state invalid drop
      }
      chain reverse {
        type filter hook prerouting priority mangle + 10; policy accept;
        fib saddr . mark . iif oif missing drop
      }
    }`;
    await succeed(lab.client, ["nft", "-f", "/dev/stdin"], new TextEncoder().encode(rules));
    await using service = await lab.up({ profile: profile() });
    expect(await pages(BLOCKED_NAME)).toEqual(all("served"));
    await service.stop();
    await succeed(lab.client, ["nft", "delete", "table", "inet", "firewall"]);
  });

  test("under each reverse-path filter of the kernel, also one that looks at marks", async () => {
    await using _ = await lab.up({ profile: profile() });
    for (const [filter, mark] of [
      [0, 0],
      [1, 0],
      [2, 0],
      [1, 1],
    ]) {
      const scopes = `net.ipv4.conf.{all,eth0,${LAN_INTERFACE},bunnel0}`;
      const script = `sysctl -qw ${scopes}.rp_filter=${filter} ${scopes}.src_valid_mark=${mark}`;
      await succeed(lab.client, ["bash", "-ec", script]);
      expect(await pages(BLOCKED_NAME)).toEqual(all("served"));
    }
  });
});

describe("a gateway", () => {
  beforeAll(() => open("plain"));
  afterAll(shut);

  /** A client of the network sends octets to a place and says what came back, at least as much as was sent. */
  const converse = async (to: string, port: number, octets: Uint8Array): Promise<string> => {
    const script = `exec 3<>/dev/tcp/${to}/${port}; cat >&3; timeout 5 head -c ${octets.length} <&3 | sha256sum`;
    return (await succeed(lan, ["bash", "-c", script], octets)).slice(0, 64);
  };
  const digest = (octets: Uint8Array) => new Bun.CryptoHasher("sha256").update(octets).digest("hex");
  const ECHO = 7;

  test("takes hellos of several segments, whole and over a narrow path", async () => {
    const hello = clientHello({ serverName: BLOCKED_NAME, keyShareBytes: POST_QUANTUM_SHARE_BYTES, padToBytes: 3000 });
    await using service = await lab.up({ profile: profile() });
    for (const mtu of [1500, 1300]) {
      await succeed(lab.censor, ["ip", "link", "set", "hop0", "mtu", String(mtu)]);
      for (const family of FAMILIES) expect(await converse(serverAddress(family), ECHO, hello)).toBe(digest(hello));
    }
    const { report } = await service.stop();
    expect(Number(report?.["replaced"])).toBeGreaterThanOrEqual(4);
  });

  test("leaves alone what stays between its networks, what is its own, and what the profile excludes", async () => {
    const hello = clientHello({ serverName: BLOCKED_NAME });
    const neighbour = "198.18.9.9";
    await succeed(lab.client, ["ip", "link", "add", "lan1", "type", "veth", "peer", "name", "far1"]);
    for (const command of ["addr add 198.18.9.1/24 dev lan1", "link set lan1 up", "link set far1 up"]) {
      await succeed(lab.client, ["ip", ...command.split(" ")]);
    }
    const excluded = `[exclude]\naddresses = ["${serverAddress(4)}/32"]`;
    await using _ = await lab.up({ profile: profile(STRATEGY, excluded) });
    const listen = "Bun.listen({ hostname: '192.0.2.2', port: 7443, socket: { data() {} } })";
    lab.client.spawn([process.execPath, "-e", listen]);
    const say = async (to: string, port: number): Promise<unknown> =>
      lan.run(["bash", "-c", `exec 3<>/dev/tcp/${to}/${port} && cat >&3`], { stdin: hello, timeoutMs: 2000 });
    while ((await lan.run(["bash", "-c", "exec 3<>/dev/tcp/192.0.2.2/7443"])).status !== 0) await Bun.sleep(20);
    await say("192.0.2.2", 7443);
    await say(serverAddress(4), ECHO);
    await succeed(lan, ["bash", "-c", `head -c 600 >/dev/udp/${neighbour}/443`], hello);
    expect(await counted(lab.client, "bunnel", "forwarded-selected")).toEqual([0]);
    expect(await converse(serverAddress(6), ECHO, hello)).toBe(digest(hello));
    expect(await counted(lab.client, "bunnel", "forwarded-selected")).toEqual([1]);
  });
});
