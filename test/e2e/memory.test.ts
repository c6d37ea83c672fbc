// needs root: namespaces, /dev/net/tun, nft, curl
// A censor that changes what it looks for while requests run: the service finds another strategy by itself, has it
// after a start anew, and begins anew in another network. All of it as a user without privilege, behind the filter of
// system calls.
import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CensorName } from "@bunnel/lab";
import { ALLOWED_NAME, BLOCKED_NAME, serverAddress, type LiveLab, type Service } from "@bunnel/lab/live";
import { PROGRAM } from "../cli/run.ts";
import { createLab, get, succeed } from "./lab.ts";
import { joinLan, LAN_INTERFACE } from "./lan.ts";

setDefaultTimeout(240_000);

const PATIENCE_MS = 1_500;
const DEADLINE_MS = 90_000;
/** Clients that ask for the blocked host at a time. */
const CLIENTS = 3;
const CUT = "tls: split(host+2)  http: split(method+2)";
const DISORDER = "tls: split(1, midsld) disorder  http: split(method+2, midsld) disorder";
const PROFILE = `
[log]
log_hosts = true
[memory]
candidates = ["tls: split(3)", "${DISORDER}"]
[[rule]]
name = "all"
strategy = "${CUT}"
`;

interface Tried {
  readonly strategy: string;
  readonly worked: number;
  readonly failed: number;
  readonly symptom?: string;
}

interface Hosts {
  readonly network: { readonly label: string };
  readonly hosts: readonly { readonly host: string; readonly network: string; readonly tried: readonly Tried[] }[];
}

let lab: LiveLab;
let folder: string;
beforeEach(async () => {
  lab = await createLab();
  folder = mkdtempSync(join(tmpdir(), "bunnel-memory-"));
  // The service's user must get through.
  chmodSync(folder, 0o755);
});
afterEach(async () => {
  await lab?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

const stateDir = (): string => join(folder, "state");

function up(profile = PROFILE): Promise<Service> {
  return lab.up({ stateDir: stateDir(), profile });
}

async function bunnel(...words: readonly string[]): Promise<string> {
  return succeed(lab.client, [...PROGRAM, ...words, "--state-dir", stateDir()]);
}

async function hosts(): Promise<Hosts> {
  return JSON.parse(await bunnel("hosts", "--json")) as Hosts;
}

async function ask(host: string, scheme: "https" | "http" = "https"): Promise<string> {
  return (await lab.fetch({ host, scheme, family: 4, timeoutMs: PATIENCE_MS })).outcome;
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + DEADLINE_MS;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`it did not come about within ${DEADLINE_MS} ms`);
    await Bun.sleep(50);
  }
}

/** Clients that ask for the blocked host, and one for another, until it is served again; how long that took. */
async function recovered(scheme: "https" | "http" = "https"): Promise<number> {
  const began = performance.now();
  let isOver = false;
  const blocked = Array.from({ length: CLIENTS }, async () => {
    await until(async () => isOver || (await ask(BLOCKED_NAME, scheme)) === "served");
    isOver = true;
  });
  const other = until(async () => {
    await ask(ALLOWED_NAME, scheme);
    return isOver;
  });
  await Promise.all([...blocked, other]);
  return performance.now() - began;
}

/** Asks on: a flow that began before the change says nothing of the strategy behind it. */
async function untilHelped(isSeen: (tried: readonly Tried[]) => boolean): Promise<void> {
  await until(async () => {
    await ask(BLOCKED_NAME);
    return isSeen((await hosts()).hosts[0]?.tried ?? []);
  });
}

async function changeCensor(from: CensorName, to: CensorName, symptom: string): Promise<void> {
  await lab.setCensor(from);
  await using service = await up();
  expect(await ask(BLOCKED_NAME)).toBe("served");
  await lab.setCensor(to);
  const tookMs = await recovered();
  console.info(`${from} to ${to}: served again after ${Math.round(tookMs)} ms`);
  await untilHelped((tried) => (tried[0]?.worked ?? 0) > 0);
  const found = await hosts();
  expect(found.network.label).toBe("192.0.2.1 on eth0");
  expect(found.hosts.map(({ host }) => host)).toEqual([BLOCKED_NAME]);
  const [best, ...others] = found.hosts[0]?.tried ?? [];
  expect(best?.strategy).toBe(DISORDER);
  expect(others.find(({ strategy }) => strategy === CUT)).toMatchObject({ symptom, worked: 0 });
  expect(JSON.parse(await bunnel("status", "--json"))).toMatchObject({
    memory: { enabled: true, watching: true, learned: 1, file: join(stateDir(), "memory.sqlite") },
  });
  expect(await bunnel("metrics")).toContain('bunnel_learned_hosts{by="traffic"} 1');
  await service.stop();
}

test("a censor that begins to put segments together while requests run: the service recovers by itself", async () => {
  await changeCensor("packet", "inorder", "silence");
  // After a start anew the first request is served.
  await using again = await up();
  expect(await ask(BLOCKED_NAME)).toBe("served");
  expect(await bunnel("rules")).toContain("learned 1");
  await again.stop();
  for (const suffix of ["", ".damaged"]) {
    const mode = statSync(join(stateDir(), `memory.sqlite${suffix}`), { throwIfNoEntry: false })?.mode;
    expect(mode === undefined ? undefined : mode & 0o777).toBe(suffix === "" ? 0o600 : undefined);
  }
  // Where no service runs, the file is asked, and the service's user can still write it.
  expect(await bunnel("hosts")).toContain(BLOCKED_NAME);
  expect(await bunnel("hosts", "forget", BLOCKED_NAME)).toBe("forgot 1 host\n");
  await using empty = await up();
  expect((await hosts()).hosts).toEqual([]);
  expect(await bunnel("hosts", "set", BLOCKED_NAME, DISORDER)).toContain("is held to");
  expect(await ask(BLOCKED_NAME)).toBe("served");
  expect(await bunnel("hosts")).toContain("pinned");
  await empty.stop();
});

test("a censor that begins to send resets: the service recovers, and another network begins anew", async () => {
  const profile = PROFILE.replace(CUT, "http: split(method+2)  tls: delay(1)");
  await using service = await up(profile);
  expect(await ask(BLOCKED_NAME)).toBe("served");
  await lab.setCensor("first-packet");
  const tookMs = await recovered();
  console.info(`resets: served again after ${Math.round(tookMs)} ms`);
  await untilHelped((tried) => tried.some(({ worked }) => worked > 0));
  const tried = (await hosts()).hosts[0]?.tried ?? [];
  expect(tried.find(({ failed }) => failed > 0)).toMatchObject({ symptom: "reset" });
  // The same addresses with another router: another network.
  await succeed(lab.censor, ["ip", "link", "set", "client0", "address", "02:00:00:00:00:99"]);
  await succeed(lab.client, ["ip", "neighbour", "flush", "dev", "eth0"]);
  await until(async () => {
    await ask(ALLOWED_NAME);
    return (await hosts()).hosts.length === 0;
  });
  expect(await bunnel("rules")).not.toContain("learned 1");
  expect(JSON.parse(await bunnel("hosts", "--everywhere", "--json"))).toMatchObject({ total: 1 });
  await service.stop();
});

test("a block page for HTTP from the way is noticed", async () => {
  const profile = PROFILE.replace(CUT, "http: delay(1)").replace(DISORDER, "http: split(method+2, midsld) disorder");
  await using service = await up(profile);
  expect(await ask(BLOCKED_NAME, "http")).toBe("served");
  await lab.setCensor("http-tap");
  await recovered("http");
  const tried = (await hosts()).hosts[0]?.tried ?? [];
  expect(tried.find(({ failed }) => failed > 0)).toMatchObject({ symptom: "redirect" });
  await service.stop();
});

test("flows that stop behind some kilobytes are noticed", async () => {
  await using service = await up(PROFILE.replace("[memory]", "[memory]\nfailures = 2"));
  const freeze = "type filter hook forward priority 0\n ct bytes > 24000 drop";
  const rules = new TextEncoder().encode(`table ip freezing {\n chain watched {\n ${freeze}\n }\n}\n`);
  lab.censor.inside(() => writeFileSync("/proc/sys/net/netfilter/nf_conntrack_acct", "1"));
  await succeed(lab.censor, ["nft", "-f", "-"], rules);
  const target = { family: 4, scheme: "https", port: 443, host: BLOCKED_NAME } as const;
  let isOver = false;
  // A client that gives up says so, and even that is not acknowledged.
  const clients = Array.from({ length: CLIENTS }, async (_, client) => {
    await Bun.sleep(client * 300);
    while (!isOver) await get(lab, target, "/bytes/1000000", 2).catch(() => undefined);
  });
  await until(async () => {
    await ask(ALLOWED_NAME);
    const tried = (await hosts()).hosts[0]?.tried ?? [];
    return tried.some(({ symptom, strategy }) => symptom === "freeze" && strategy === CUT);
  });
  isOver = true;
  await Promise.all(clients);
  await service.stop();
});

test.each([
  ["first-packet", "reset"],
  ["packet", "silence"],
] as const)(
  "flows that sockets carry on: %s is seen as %s, and what sockets can do is tried",
  async (censor, symptom) => {
    const records = "tls: tlsrec(sniext+1) split(1, midsld)";
    const candidates = `candidates = ["tls: seqovl(3)", "tls: fake(ttl=auto-1) split(1)", "${records}"]`;
    const rule = `[[rule]]\nname = "all"\negress = "stream"\nports = [443]\nstrategy = "tls: delay(1)"\n`;
    await using service = await up(`[memory]\n${candidates}\n${rule}`);
    expect(await ask(BLOCKED_NAME)).toBe("served");
    await lab.setCensor(censor);
    const tookMs = await recovered();
    console.info(`by sockets, ${symptom}: served again after ${Math.round(tookMs)} ms`);
    await untilHelped((tried) => tried.some(({ worked }) => worked > 0));
    const tried = (await hosts()).hosts[0]?.tried ?? [];
    expect(tried.find(({ worked }) => worked > 0)?.strategy).toBe(records);
    expect(tried.find(({ strategy }) => strategy === "tls: delay(1)")).toMatchObject({ symptom });
    expect(tried).toHaveLength(2);
    await service.stop();
  },
);

test("on a router that translates addresses, resets of other machines' flows are noticed", async () => {
  await using lan = await joinLan(lab, "masquerade");
  const profile = `[gateway]\ninterfaces = ["${LAN_INTERFACE}"]\n` + PROFILE.replace(CUT, "tls: delay(1)");
  await using service = await up(profile);
  const asked = async (host: string, address: string): Promise<boolean> => {
    const words = ["-sS", "--insecure", "--noproxy", "*", "--max-time", "2", "-o", "/dev/null"];
    const where = ["--resolve", `${host}:443:${address}`, `https://${host}/who`];
    return (await lan.run(["curl", ...words, ...where])).status === 0;
  };
  expect(await asked(BLOCKED_NAME, serverAddress(4))).toBe(true);
  await lab.setCensor("first-packet");
  const began = performance.now();
  await until(() => asked(BLOCKED_NAME, serverAddress(4)));
  console.info(`resets behind a translation: served again after ${Math.round(performance.now() - began)} ms`);
  await until(async () => {
    await asked(BLOCKED_NAME, serverAddress(4));
    return (await hosts()).hosts[0]?.tried.some(({ worked }) => worked > 0) ?? false;
  });
  const tried = (await hosts()).hosts[0]?.tried ?? [];
  expect(tried.find(({ strategy }) => strategy === "tls: delay(1)")).toMatchObject({ symptom: "reset" });
  await service.stop();
});

test("downloads that are throttled are noticed, and the service recovers", async () => {
  const profile = PROFILE.replace(CUT, "tls: delay(1)").replace("[memory]", "[memory]\nthrottled_seconds = 4");
  await using service = await up(profile);
  // It knows a hello by its first octets, and drops what is above its rate. Another address is as quick as ever.
  const rate = "meter flows { tcp dport limit rate over 20 kbytes/second burst 8 kbytes }";
  const rules = `table ip throttling {
    chain watched {
      type filter hook forward priority 0
      ip daddr ${serverAddress(4)} tcp dport 443 @ih,0,24 0x160301 ip length > 300 ct mark set 7
      ip saddr ${serverAddress(4)} ct mark 7 ${rate} drop
    }
  }`;
  await succeed(lab.censor, ["nft", "-f", "-"], new TextEncoder().encode(rules));
  const began = performance.now();
  let isOver = false;
  const download = async (host: string, address: string): Promise<void> => {
    const words = ["-sS", "--insecure", "--noproxy", "*", "--max-time", "7", "-o", "/dev/null"];
    const where = ["--resolve", `${host}:443:${address}`, `https://${host}/bytes/2000000`];
    await lab.client.run(["curl", ...words, ...where]);
  };
  // Connections of the same moment would be one failure.
  const clients = Array.from({ length: 4 }, async (_, client) => {
    await Bun.sleep(client * 300);
    while (!isOver) await download(BLOCKED_NAME, serverAddress(4));
  });
  try {
    await until(async () => {
      await download(ALLOWED_NAME, serverAddress(4, 9));
      const tried = (await hosts()).hosts[0]?.tried ?? [];
      return tried.some(({ strategy, worked }) => worked > 0 && strategy !== "tls: delay(1)");
    });
  } finally {
    isOver = true;
    await Promise.all(clients);
  }
  console.info(`throttled: quick again after ${Math.round(performance.now() - began)} ms`);
  const tried = (await hosts()).hosts[0]?.tried ?? [];
  expect(tried.find(({ strategy }) => strategy === "tls: delay(1)")).toMatchObject({ symptom: "throttle" });
  expect(await bunnel("metrics")).toMatch(/bunnel_flow_failures_total\{symptom="throttle"\} [1-9]/u);
  await service.stop();
});

test("a damaged file is put aside, one of a newer bunnel left alone, and traffic is carried both times", async () => {
  const path = join(stateDir(), "memory.sqlite");
  await (await up()).stop();
  writeFileSync(path, "this is no database ".repeat(500));
  const first = await up();
  expect(await ask(BLOCKED_NAME)).toBe("served");
  await first.stop();
  expect((await first.ended()).words).toContain("memory was damaged, a new one was begun");
  expect(readFileSync(`${path}.damaged`, "latin1")).toStartWith("this is no database");
  const newer = new (await import("bun:sqlite")).Database(path);
  newer.run("PRAGMA user_version = 999");
  newer.close();
  const second = await up();
  expect(await ask(BLOCKED_NAME)).toBe("served");
  expect(JSON.parse(await bunnel("status", "--json"))).toMatchObject({ memory: { enabled: true, file: null } });
  await second.stop();
  expect((await second.ended()).words).toContain("found version 999 of a newer bunnel");
});
