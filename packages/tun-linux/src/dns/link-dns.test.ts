// needs root: network namespaces
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NetworkPair } from "../../test/network-pair.ts";
import { SystemBus } from "../../test/system-bus.ts";
import { NetworkNamespace } from "../namespace.ts";
import type { DnsOptions } from "./dns-options.ts";
import { recoverDns, setLinkDns, type LinkDnsHold } from "./link-dns.ts";
import type { LinkDns } from "./settings.ts";

const BEFORE = "# somebody's own\nnameserver 198.51.100.53\noptions ndots:2 trust-ad\n";
const STUB = "nameserver 127.0.0.53\noptions edns0 trust-ad\nsearch .\n";
const SETTINGS: LinkDns = { servers: ["192.0.2.53", "2001:db8::53"], domains: ["example.org", "~."] };
const INDEX = new URL("./index.ts", import.meta.url).pathname;

let net: NetworkPair;
let bus: SystemBus;
let folder: string;
let path: string;
let options: DnsOptions;

beforeAll(async () => {
  net = new NetworkPair();
  bus = await SystemBus.start();
  await bus.startResolved(net.namespace);
  await bus.startMonitor();
});
afterAll(async () => {
  await bus[Symbol.asyncDispose]();
  net[Symbol.dispose]();
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "bunnel-dns-"));
  path = join(folder, "resolv.conf");
  options = { resolvConfPath: path, stateFolder: join(folder, "state"), busAddress: bus.address };
});
afterEach(() => rmSync(folder, { recursive: true }));

function text(): string {
  return readFileSync(path, "utf8");
}

/** The call begins in the namespace, as it must. */
function inside<T>(namespace: NetworkNamespace, call: () => Promise<T>): Promise<T> {
  const { promise, resolve } = Promise.withResolvers<T>();
  namespace.run(() => resolve(call()));
  return promise;
}

function set(settings: LinkDns, more: DnsOptions = {}, index = net.a0): Promise<LinkDnsHold> {
  return inside(net.namespace, () => setLinkDns({ index, name: "a0" }, settings, { ...options, ...more }));
}

function states(): string[] {
  return readdirSync(join(folder, "state")).filter((name) => name.endsWith(".json"));
}

/** A process that sets servers, says so, and is killed. */
async function setAndBeKilled(more: DnsOptions): Promise<void> {
  const all = JSON.stringify({ ...options, ...more });
  const program = `import { setLinkDns } from ${JSON.stringify(INDEX)};
    await setLinkDns({ index: ${net.a0}, name: "a0" }, ${JSON.stringify(SETTINGS)}, ${all});
    console.log("held");
    setInterval(() => undefined, 1000);`;
  const child = net.namespace.run(() => Bun.spawn([process.execPath, "-e", program], { stdout: "pipe" }));
  const reader = child.stdout.getReader();
  await reader.read();
  child.kill("SIGKILL");
  await child.exited;
}

describe("setLinkDns() in a file", () => {
  const file = { backend: "resolv.conf" } as const;

  test("puts servers and search domains in, keeps options, and brings the file back as it was", async () => {
    writeFileSync(path, BEFORE, { mode: 0o640 });
    const hold = await set(SETTINGS, file);
    expect(hold.backend).toBe("resolv.conf");
    expect(text()).toBe(
      [
        "# Made by bunnel for a0. The file that was here comes back when it ends.",
        "nameserver 192.0.2.53",
        "nameserver 2001:db8::53",
        "search example.org",
        "options ndots:2",
        "",
      ].join("\n"),
    );
    expect(lstatSync(path).mode & 0o777).toBe(0o644);
    expect(await hold.restore()).toBe(true);
    expect([text(), lstatSync(path).mode & 0o777, states()]).toEqual([BEFORE, 0o640, []]);
    expect(await hold.restore()).toBe(false);
    expect(readdirSync(folder).toSorted()).toEqual(["resolv.conf", "state"]);
  });

  test("replaces a link and not what it leads to, and brings the link back", async () => {
    const target = join(folder, "elsewhere");
    writeFileSync(target, BEFORE);
    symlinkSync("elsewhere", path);
    {
      await using _hold = await set(SETTINGS, file);
      expect(lstatSync(path).isSymbolicLink()).toBe(false);
      expect(text()).toContain("nameserver 192.0.2.53");
      expect(readFileSync(target, "utf8")).toBe(BEFORE);
    }
    expect(readlinkSync(path)).toBe("elsewhere");
    expect(readFileSync(target, "utf8")).toBe(BEFORE);
  });

  test("takes away what was not there, also in the place of a link that leads nowhere", async () => {
    const hold = await set(SETTINGS, file);
    await hold.restore();
    expect(() => lstatSync(path)).toThrow("ENOENT");
    symlinkSync("/nowhere/at/all", path);
    const second = await set(SETTINGS, file);
    expect(text()).toContain("nameserver");
    await second.restore();
    expect(readlinkSync(path)).toBe("/nowhere/at/all");
  });

  test("changes while it is held", async () => {
    writeFileSync(path, BEFORE);
    const hold = await set(SETTINGS, file);
    await hold.change({ servers: ["203.0.113.53"] });
    expect(text()).toContain("nameserver 203.0.113.53\noptions ndots:2");
    expect(text()).not.toContain("192.0.2.53");
    await hold.restore();
    expect(text()).toBe(BEFORE);
    await expect(hold.change(SETTINGS)).rejects.toMatchObject({ code: "E_DEVICE_STATE" });
  });

  test("leaves alone what somebody else has written since", async () => {
    writeFileSync(path, BEFORE);
    const hold = await set(SETTINGS, file);
    writeFileSync(path, "nameserver 198.51.100.99\n");
    await expect(hold.change(SETTINGS)).rejects.toMatchObject({ code: "E_DEVICE_STATE" });
    expect(await hold.restore()).toBe(false);
    expect([text(), states()]).toEqual(["nameserver 198.51.100.99\n", []]);
  });

  test("is for one at a time", async () => {
    writeFileSync(path, BEFORE);
    const hold = await set(SETTINGS, file);
    await expect(set(SETTINGS, file)).rejects.toMatchObject({ code: "E_DEVICE_BUSY" });
    await hold.restore();
    await (await set(SETTINGS, file)).restore();
    expect(text()).toBe(BEFORE);
  });

  test("refuses servers for some names only: a file cannot say that", async () => {
    writeFileSync(path, BEFORE);
    for (const split of [{ domains: ["~example.org"] }, { defaultRoute: false }]) {
      const held = set({ servers: ["192.0.2.53"], ...split }, file);
      await expect(held).rejects.toMatchObject({ code: "E_UNSUPPORTED" });
    }
    expect(text()).toBe(BEFORE);
  });

  test("leaves nothing where it cannot write", async () => {
    const folderInstead = join(folder, "a-folder");
    mkdirSync(folderInstead);
    const held = set(SETTINGS, { ...file, resolvConfPath: folderInstead });
    await expect(held).rejects.toMatchObject({ code: "E_DEVICE_STATE" });
    const nowhere = set(SETTINGS, { ...file, resolvConfPath: join(folder, "none", "resolv.conf") });
    await expect(nowhere).rejects.toMatchObject({ code: "E_DEVICE_SYSTEM", errno: 2 });
    expect(states()).toEqual([]);
  });

  test("what a killed process left is put back by recoverDns()", async () => {
    writeFileSync(path, BEFORE, { mode: 0o600 });
    await setAndBeKilled(file);
    expect(text()).toContain("nameserver 192.0.2.53");
    expect(await inside(net.namespace, () => recoverDns(options))).toEqual([path]);
    expect([text(), lstatSync(path).mode & 0o777, states()]).toEqual([BEFORE, 0o600, []]);
    expect(await inside(net.namespace, () => recoverDns(options))).toEqual([]);
  });

  test("what a killed process left is put back by the next one that sets servers, and then by it", async () => {
    symlinkSync("elsewhere", path);
    await setAndBeKilled(file);
    expect(lstatSync(path).isFile()).toBe(true);
    const hold = await set({ servers: ["203.0.113.53"] }, file);
    expect(text()).toContain("203.0.113.53");
    await hold.restore();
    expect(readlinkSync(path)).toBe("elsewhere");
  });

  test("what a killed process left is left to somebody who has written since", async () => {
    writeFileSync(path, BEFORE);
    await setAndBeKilled(file);
    writeFileSync(path, STUB);
    expect(await inside(net.namespace, () => recoverDns(options))).toEqual([]);
    expect([text(), states()]).toEqual([STUB, []]);
  });

  test("what a living process holds is not put back", async () => {
    writeFileSync(path, BEFORE);
    const hold = await set(SETTINGS, file);
    expect(await inside(net.namespace, () => recoverDns(options))).toEqual([]);
    expect(text()).toContain("192.0.2.53");
    await hold.restore();
  });
});

describe("setLinkDns() in resolved", () => {
  const resolved = { backend: "resolved" } as const;

  test("tells servers, domains and default route, as dbus-monitor reads them; restore() reverts the link", async () => {
    const from = bus.calls.length;
    const hold = await set({ ...SETTINGS, defaultRoute: true }, resolved);
    expect(hold.backend).toBe("resolved");
    const ipv6 = [0x20, 0x01, 0x0d, 0xb8, ...Array<number>(11).fill(0), 0x53];
    const expected = [
      [
        "SetLinkDNS",
        net.a0,
        [
          [2, [192, 0, 2, 53]],
          [10, ipv6],
        ],
      ],
      [
        "SetLinkDomains",
        net.a0,
        [
          ["example.org", false],
          [".", true],
        ],
      ],
      ["SetLinkDefaultRoute", net.a0, true],
    ];
    expect(bus.calls.slice(from)).toEqual(expected);
    expect(await hold.restore()).toBe(true);
    expect(await hold.restore()).toBe(false);
    expect(bus.calls.slice(from)).toEqual([...expected, ["RevertLink", net.a0]]);
    expect(states()).toEqual([]);
    expect(await bus.monitored("SetLinkDNS")).toBe(
      `int32 ${net.a0} array [ struct { int32 2 array of bytes [ c0 00 02 35 ] } ` +
        "struct { int32 10 array of bytes [ 20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 53 ] } ]",
    );
    expect(await bus.monitored("SetLinkDomains")).toBe(
      `int32 ${net.a0} array [ struct { string "example.org" boolean false } struct { string "." boolean true } ]`,
    );
    expect(await bus.monitored("SetLinkDefaultRoute")).toBe(`int32 ${net.a0} boolean true`);
    expect(await bus.monitored("RevertLink")).toBe(`int32 ${net.a0}`);
  });

  test("changes while it is held; a default route that is no longer named is taken back", async () => {
    const hold = await set({ ...SETTINGS, defaultRoute: false }, resolved);
    const from = bus.calls.length;
    await hold.change({ servers: ["203.0.113.53"], domains: ["~example.org"], defaultRoute: true });
    await hold.change({ servers: ["203.0.113.53"] });
    expect(bus.calls.slice(from)).toEqual([
      ["SetLinkDNS", net.a0, [[2, [203, 0, 113, 53]]]],
      ["SetLinkDomains", net.a0, [["example.org", true]]],
      ["SetLinkDefaultRoute", net.a0, true],
      ["RevertLink", net.a0],
      ["SetLinkDNS", net.a0, [[2, [203, 0, 113, 53]]]],
      ["SetLinkDomains", net.a0, []],
    ]);
    await hold.restore();
  });

  test.each([
    [4711, "E_DEVICE_GONE", "NoSuchLink"],
    [4712, "E_DEVICE_BUSY", "LinkBusy"],
    [4713, "E_DEVICE_DENIED", "AccessDenied"],
  ])("what it refuses for link %d is %s, and what was begun is reverted", async (index, code, name) => {
    const from = bus.calls.length;
    const error: unknown = await set(SETTINGS, resolved, index).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code, message: expect.stringContaining(name) as string });
    expect(bus.calls.slice(from).map(([member]) => member)).toEqual(["SetLinkDNS", "RevertLink"]);
    expect(states()).toEqual([]);
  });

  test("one that is too old for default routes is E_UNSUPPORTED when one is asked for", async () => {
    await using old = await SystemBus.start();
    await old.startResolved(net.namespace, "old");
    const hold = await set(SETTINGS, { ...resolved, busAddress: old.address });
    await hold.restore();
    const held = set({ ...SETTINGS, defaultRoute: true }, { ...resolved, busAddress: old.address });
    await expect(held).rejects.toMatchObject({ code: "E_UNSUPPORTED" });
    expect(old.calls.at(-1)).toEqual(["RevertLink", net.a0]);
  });

  test("is for one at a time, link by link", async () => {
    const hold = await set(SETTINGS, resolved);
    await expect(set(SETTINGS, resolved)).rejects.toMatchObject({ code: "E_DEVICE_BUSY" });
    const other = await set(SETTINGS, resolved, net.b0);
    await hold.restore();
    await other.restore();
  });

  test("what a killed process left is reverted while the link is there", async () => {
    await setAndBeKilled(resolved);
    const from = bus.calls.length;
    expect(states()).toEqual([`dns-link-${net.a0}.json`]);
    expect(await inside(net.namespace, () => recoverDns(options))).toEqual(["name servers of a0"]);
    expect(bus.calls.slice(from)).toEqual([["RevertLink", net.a0]]);
    expect(states()).toEqual([]);
  });

  test("another interface that has the index now is left alone, and so is another namespace", async () => {
    await setAndBeKilled(resolved);
    using other = NetworkNamespace.create();
    const from = bus.calls.length;
    expect(await inside(other, () => recoverDns(options))).toEqual([]);
    expect(states()).toEqual([`dns-link-${net.a0}.json`]);
    net.netlink.setLink(net.a0, { up: false, name: "other0" });
    expect(await inside(net.namespace, () => recoverDns(options))).toEqual([]);
    net.netlink.setLink(net.a0, { name: "a0", up: true });
    expect(bus.calls.slice(from)).toEqual([]);
    expect(states()).toEqual([]);
  });
});

describe("setLinkDns() that is left the choice", () => {
  test("takes resolved where the file leads to it, by its stub or by a link", async () => {
    writeFileSync(path, STUB);
    const byText = await set(SETTINGS);
    expect([byText.backend, text()]).toEqual(["resolved", STUB]);
    await byText.restore();
    rmSync(path);
    symlinkSync("../run/systemd/resolve/resolv.conf", path);
    const byLink = await set(SETTINGS);
    expect(byLink.backend).toBe("resolved");
    await byLink.restore();
  });

  test("takes the file where it does not lead to resolved", async () => {
    writeFileSync(path, BEFORE);
    const hold = await set(SETTINGS);
    expect(hold.backend).toBe("resolv.conf");
    await hold.restore();
  });

  test("takes the file where resolved lives in another network namespace: the index is another link", async () => {
    writeFileSync(path, STUB);
    using other = NetworkNamespace.create();
    const from = bus.calls.length;
    const link = { index: net.a0, name: "a0" };
    const hold = await inside(other, () => setLinkDns(link, SETTINGS, options));
    expect(hold.backend).toBe("resolv.conf");
    await hold.restore();
    const forced = inside(other, () => setLinkDns(link, SETTINGS, { ...options, backend: "resolved" }));
    await expect(forced).rejects.toMatchObject({ code: "E_DEVICE_MISSING" });
    expect(bus.calls.slice(from)).toEqual([]);
  });

  test.each(["unix:path=/nowhere/socket", "tcp:host=localhost,port=1", "unixexec:path=/bin/false"])(
    "takes the file where the bus is %s, and is E_DEVICE_MISSING when it must be resolved",
    async (busAddress) => {
      writeFileSync(path, STUB);
      const hold = await set(SETTINGS, { busAddress });
      expect(hold.backend).toBe("resolv.conf");
      await hold.restore();
      await expect(set(SETTINGS, { busAddress, backend: "resolved" })).rejects.toMatchObject({
        code: "E_DEVICE_MISSING",
      });
    },
  );

  test("takes the file where no resolved is on the bus", async () => {
    await using empty = await SystemBus.start();
    writeFileSync(path, STUB);
    const hold = await set(SETTINGS, { busAddress: empty.address });
    expect(hold.backend).toBe("resolv.conf");
    await hold.restore();
  });

  test("takes the file where the bus hangs up at once", async () => {
    writeFileSync(path, STUB);
    const socket = join(folder, "bus");
    const server = Bun.listen({
      unix: socket,
      socket: { open: (peer) => peer.terminate(), data: () => undefined },
    });
    const hold = await set(SETTINGS, { busAddress: `unix:path=${socket}` });
    expect(hold.backend).toBe("resolv.conf");
    await hold.restore();
    server.stop(true);
  });

  test("a program that has set servers and put them back ends by itself", () => {
    writeFileSync(path, STUB);
    const program = `import { setLinkDns } from ${JSON.stringify(INDEX)};
      const hold = await setLinkDns({ index: ${net.a0}, name: "a0" }, { servers: ["192.0.2.53"] },
        ${JSON.stringify(options)});
      console.log(hold.backend);
      await hold.restore();`;
    const command = [process.execPath, "-e", program];
    const { exitCode, stdout } = net.namespace.run(() => Bun.spawnSync(command));
    expect([exitCode, stdout.toString()]).toEqual([0, "resolved\n"]);
  });
});
