// needs root: network namespaces
// nft mode in network namespaces, with a real device and real traffic. The witnesses are iproute2, nft and the server.
import { afterEach, beforeEach, describe, expect, spyOn, test } from "bun:test";
import { DeviceError, type Selection } from "@bunnel/device";
import { RoutedLab, SERVER4, SERVER6, type Saying } from "../../test/intercept/routed-lab.ts";
import { NftClient } from "../nft/client.ts";
import type { LinuxInterception } from "./interception.ts";
import { OUR_MARK } from "./marks.ts";
import { createTable, interceptNft } from "./nft.ts";

const HELLO = Uint8Array.fromHex("1603010200010001fc0303");
const SELECT: Selection = { tls: [], http: [80] };
const NOTHING = { rules: [], routes: [], tables: [] };
/** As iproute2 shows it. */
const RULE = "9000: from all fwmark 0x8000/0xc000 lookup 4000 proto 178";

let lab: RoutedLab;
beforeEach(async () => {
  lab = await RoutedLab.open();
});
afterEach(() => lab[Symbol.dispose]());

function intercept(select: Selection = SELECT, more: Parameters<RoutedLab["options"]>[1] = {}): LinuxInterception {
  return lab.client.run(() => interceptNft(lab.options(select, more), { statePath: lab.statePath }));
}

/** The one packet with this payload comes up, and the server hears nothing. */
function expectUp(payload: string | Uint8Array, saying: Saying): void {
  const { answer, cameUp } = lab.say(payload, saying);
  expect([answer, cameUp.length]).toEqual([undefined, 1]);
}

/** The server answers, and nothing comes up. */
function expectPast(payload: string | Uint8Array, saying: Saying): void {
  const { answer, cameUp } = lab.say(payload, saying);
  expect([answer, cameUp.length]).toEqual([`heard ${payload.length}`, 0]);
}

/** Runs `work` on a kernel that refuses the nth transaction. */
function withRefusedCommit<T>(nth: number, work: () => T): T {
  const commit = NftClient.prototype.commit;
  let calls = 0;
  const spy = spyOn(NftClient.prototype, "commit").mockImplementation(function (this: NftClient, messages) {
    if (++calls === nth) throw new DeviceError("E_UNSUPPORTED", "the kernel does not know that", 95);
    commit.call(this, messages);
  });
  try {
    return work();
  } finally {
    spy.mockRestore();
  }
}

describe("interceptNft() selects", () => {
  test.each([SERVER4, SERVER6])("a ClientHello to any port of %s, and nothing that only resembles one", (to) => {
    using _ = intercept({ tls: [] });
    expectUp(HELLO, { to, port: 9999 });
    expectUp(HELLO, { to, port: 443 });
    expectUp(Uint8Array.fromHex("160300000501"), { to });
    for (const other of ["1603010200020001fc0303", "1703010200010001fc0303", "1602010200010001fc0303", "1603010200"]) {
      expectPast(Uint8Array.fromHex(other), { to, port: 443 });
    }
  });

  test.each([SERVER4, SERVER6])("a ClientHello to the ports named, at %s", (to) => {
    using _ = intercept({ tls: [443, 8080] });
    expectUp(HELLO, { to, port: 443 });
    expectUp(HELLO, { to, port: 8080 });
    expectPast(HELLO, { to, port: 9999 });
  });

  test.each([SERVER4, SERVER6])("HTTP requests to the ports named, at %s", (to) => {
    using _ = intercept({ http: [80, 8080] });
    for (const method of ["GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "CONNECT"]) {
      expectUp(`${method} / HTTP/1.1\r\n`, { to, port: 80 });
    }
    expectUp("GET /", { to, port: 8080 });
    for (const other of ["GETTING", "get / HTTP/1.1", " GET /", "GET", "TRACE / HTTP/1.1"]) {
      expectPast(other, { to, port: 80 });
    }
    expectPast("GET / HTTP/1.1", { to, port: 9999 });
    expectPast(HELLO, { to, port: 443 });
  });

  test("nothing but TCP", () => {
    using _ = intercept();
    expectPast(HELLO, { kind: "udp", port: 443 });
    expectPast("GET / HTTP/1.1", { kind: "udp", port: 80, to: SERVER6 });
  });

  test.each([SERVER4, SERVER6])("nothing with our own mark, to %s", (to) => {
    using _ = intercept();
    expectPast(HELLO, { to, mark: OUR_MARK });
    expectPast(HELLO, { to, mark: OUR_MARK | 0x10000 });
    expectUp(HELLO, { to, mark: 0x10000 });
  });

  test.each([
    ["on the link of an uplink", "192.0.2.254"],
    ["on the link of an uplink, IPv6", "2001:db8:1::fe"],
    ["private", "10.1.2.3"],
    ["unique local", "fd00::9"],
    ["excluded", "203.0.113.200"],
    ["reached by another interface", "198.18.0.9"],
  ])("nothing to a destination that is %s", (_name, to) => {
    using _ = intercept(SELECT, { excludes: ["203.0.113.129/25", "2001:db8:9::/48"] });
    expectPast(HELLO, { to });
    expectPast("GET / HTTP/1.1", { to, port: 80 });
    expectUp(HELLO, { to: SERVER4 });
    expectUp(HELLO, { to: SERVER6 });
  });

  test("what leaves by the uplinks that are named, instead of those with a default route", () => {
    using interception = intercept(SELECT, { uplinks: ["c1"] });
    expect(interception.uplinks).toEqual(["c1"]);
    expectUp(HELLO, { to: "198.18.0.9" });
    expectPast(HELLO, { to: SERVER4 });
  });
});

describe("what interceptNft() selects", () => {
  test("is the packet as it would have left: source address, ports, checksums", () => {
    using _ = intercept();
    const [packet] = lab.say(HELLO, { to: SERVER4, port: 443 }).cameUp;
    expect(packet?.subarray(12, 20).toHex()).toBe("c0000201" + "cb007109");
    expect(packet?.subarray(22, 24).toHex()).toBe("01bb");
    const [packet6] = lab.say(HELLO, { to: SERVER6, port: 443 }).cameUp;
    expect(packet6?.subarray(8, 40).toHex()).toBe(
      "20010db8000100000000000000000001" + "20010db8000200000000000000000009",
    );
  });

  test.each([0, 1, 2])("is answered when it is sent on with our mark, under rp_filter %p", (filter) => {
    for (const name of ["all", "c0", "tun0"]) lab.near("sysctl", "-qw", `net.ipv4.conf.${name}.rp_filter=${filter}`);
    using _ = intercept();
    for (const to of [SERVER4, SERVER6]) {
      const { answer, cameUp } = lab.say(HELLO, { to, forwardMark: OUR_MARK });
      expect([answer, cameUp.length]).toEqual([`heard ${HELLO.length}`, 1]);
    }
    expect(lab.near("sysctl", "-n", "net.ipv4.conf.c0.rp_filter").trim()).toBe(String(filter));
  });
});

describe("interceptNft() leaves", () => {
  test("two rules, two routes and a table of its own, as iproute2 and nft see them, and nothing after close()", () => {
    expect(lab.traces()).toEqual(NOTHING);
    const interception = intercept();
    expect(lab.traces()).toEqual({
      rules: [RULE, RULE],
      routes: [
        "default dev tun0 table 4000 proto 178 scope link",
        "default dev tun0 table 4000 proto 178 metric 1024 pref medium",
      ],
      tables: ["table inet bunnel"],
    });
    expect([interception.method, interception.uplinks, interception.families]).toEqual(["nft", ["c0"], [4, 6]]);
    expect(interception.ownerFlag).toBe(true);
    interception.close();
    interception.close();
    expect(lab.traces()).toEqual(NOTHING);
    expectPast(HELLO, {});
  });

  test("rules that nft reads as they are meant", () => {
    using _ = intercept({ tls: [443], http: [80] }, { excludes: ["203.0.113.128/25"] });
    lab.say(HELLO, { port: 443 });
    const table = lab.near("nft", "list", "table", "inet", "bunnel");
    expect(table.replace(/ # progname .*/, "").replace(/bytes \d+/, "bytes N")).toBe(
      [
        "table inet bunnel {",
        "\tflags owner",
        '\tcomment "bunnel"',
        "",
        "\tchain output {",
        "\t\ttype route hook output priority mangle; policy accept;",
        "\t\tmeta l4proto != tcp return",
        "\t\tth dport 443 @ih,0,16 0x1603 @ih,40,8 0x1 goto selected",
        "\t\tth dport 80 goto http",
        "\t}",
        "",
        "\tchain http {",
        "\t\t@ih,0,32 0x47455420 goto selected",
        "\t\t@ih,0,40 0x504f535420 goto selected",
        "\t\t@ih,0,40 0x4845414420 goto selected",
        "\t\t@ih,0,32 0x50555420 goto selected",
        "\t\t@ih,0,56 0x44454c45544520 goto selected",
        "\t\t@ih,0,64 0x4f5054494f4e5320 goto selected",
        "\t\t@ih,0,48 0x504154434820 goto selected",
        "\t\t@ih,0,64 0x434f4e4e45435420 goto selected",
        "\t}",
        "",
        "\tchain selected {",
        "\t\tmeta mark & 0x00004000 == 0x00004000 return",
        '\t\toifname != "c0" return',
        "\t\tip daddr 10.0.0.0/8 return",
        "\t\tip daddr 172.16.0.0/12 return",
        "\t\tip daddr 192.168.0.0/16 return",
        "\t\tip daddr 169.254.0.0/16 return",
        "\t\tip daddr 224.0.0.0/3 return",
        "\t\tip6 daddr fe80::/10 return",
        "\t\tip6 daddr fc00::/7 return",
        "\t\tip6 daddr ff00::/8 return",
        "\t\tip daddr 192.0.2.0/24 return",
        "\t\tip6 daddr 2001:db8:1::/64 return",
        "\t\tip daddr 203.0.113.128/25 return",
        "\t\tcounter packets 1 bytes N meta mark set meta mark | 0x00008000",
        "\t}",
        "}",
        "",
      ].join("\n"),
    );
  });

  test("IPv6 alone where the device has none", () => {
    lab.near("sysctl", "-qw", "net.ipv6.conf.tun0.disable_ipv6=1");
    using interception = intercept();
    expect(interception.families).toEqual([4]);
    expect(lab.traces().rules).toHaveLength(1);
    expectUp(HELLO, { to: SERVER4 });
    expectPast(HELLO, { to: SERVER6 });
  });

  test("everything as it was when close() is called from outside of the namespace", () => {
    const interception = intercept();
    interception[Symbol.dispose]();
    expect(lab.traces()).toEqual(NOTHING);
  });

  test("close() has nothing against parts that are gone", () => {
    const interception = intercept();
    lab.near("ip", "rule", "del", "pref", "9000");
    lab.tun.close();
    interception.close();
    expect(lab.traces()).toEqual(NOTHING);
  });
});

describe("interceptNft() that fails", () => {
  test("without an uplink says so, and changes nothing", () => {
    lab.near("ip", "route", "del", "default");
    lab.near("ip", "-6", "route", "del", "default");
    expect(() => intercept()).toThrow("uplink: expected an interface with a default route, found none");
    expect(lab.traces()).toEqual(NOTHING);
  });

  test("with an uplink or a device that is not there says which", () => {
    expect(() => intercept(SELECT, { uplinks: ["c7"] })).toThrow('uplink "c7": no such interface');
    expect(() => intercept(SELECT, { deviceIndex: 1 })).toThrow('device: expected "tun0" with index 1, found "lo"');
    expect(() => intercept(SELECT, { deviceIndex: 999 })).toThrow("found no such interface");
  });

  test.each<[string, Selection, string[]]>([
    ["tls port: expected 1…65535, found 0", { tls: [0] }, []],
    ["http port: expected 1…65535, found 65536", { http: [80, 65536] }, []],
    ["tls ports: expected at most 64, found 65", { tls: Array.from({ length: 65 }, (_, port) => port + 1) }, []],
    ['address: expected IPv4 or IPv6, found "example.org"', SELECT, ["example.org"]],
    [
      "excludes: expected at most 1024",
      SELECT,
      Array.from({ length: 1025 }, (_, n) => `203.${n >> 8}.${n & 255}.0/24`),
    ],
  ])("says %p before anything is changed", (message, select, excludes) => {
    expect(() => intercept(select, { excludes })).toThrow(message);
    expect(lab.traces()).toEqual(NOTHING);
  });

  test("half-way undoes what was done", () => {
    // The table is made; filling it fails.
    const start = (): LinuxInterception => withRefusedCommit(2, () => intercept());
    expect(start).toThrow("nftables table inet bunnel: the kernel does not know that");
    expect(lab.traces()).toEqual(NOTHING);
    intercept().close();
  });

  test("takes no table that leads into another device", () => {
    lab.near("ip", "route", "add", "default", "dev", "c1", "table", "4000");
    expect(() => intercept()).toThrow("route table 4000: expected empty, found default to c1");
    expect(lab.traces().routes).toEqual(["default dev c1 table 4000 scope link"]);
  });

  test("because another one lives says so, and leaves that one at work", () => {
    using _ = intercept();
    const before = lab.traces();
    expect(() => intercept()).toThrow("another bunnel is running");
    // Another state file has another lock; the table still has its owner.
    const elsewhere = { statePath: `${lab.directory}/elsewhere/state.json` };
    const second = (): LinuxInterception => lab.client.run(() => interceptNft(lab.options(SELECT), elsewhere));
    expect(second).toThrow(expect.objectContaining({ code: "E_DEVICE_BUSY" }));
    expect(second).toThrow("nftables table inet bunnel has a living owner");
    expect(lab.traces()).toEqual(before);
    expectUp(HELLO, {});
  });
});

describe("refresh() of interceptNft()", () => {
  test("follows the uplinks", () => {
    using interception = intercept();
    expect(interception.refresh()).toBe(false);
    expectPast(HELLO, { to: "198.18.0.9" });
    lab.near("ip", "route", "add", "default", "via", "198.51.100.254", "dev", "c1", "metric", "50");
    expect(interception.refresh()).toBe(true);
    expect(interception.uplinks).toEqual(["c0", "c1"]);
    expectUp(HELLO, { to: "198.18.0.9" });
    expectUp(HELLO, { to: SERVER4 });
    expectPast(HELLO, { to: "198.51.100.254" });
    expect(interception.refresh()).toBe(false);
  });

  test("keeps what there is while there is no uplink", () => {
    using interception = intercept();
    lab.near("ip", "route", "del", "default");
    lab.near("ip", "-6", "route", "del", "default");
    expect(interception.refresh()).toBe(false);
    expect(interception.uplinks).toEqual(["c0"]);
  });

  test("puts back rules and routes that others have removed", () => {
    using interception = intercept();
    const before = lab.traces();
    lab.near("ip", "rule", "del", "pref", "9000");
    lab.near("ip", "-6", "route", "flush", "table", "4000");
    expect(interception.refresh()).toBe(true);
    expect(lab.traces()).toEqual(before);
  });

  test("after close() is an error of state", () => {
    const interception = intercept();
    interception.close();
    expect(() => interception.refresh()).toThrow(expect.objectContaining({ code: "E_DEVICE_STATE" }));
  });
});

describe("interceptNft() on a kernel without the owner flag", () => {
  test("works, says so, and removes the table when it closes", () => {
    const interception = withRefusedCommit(1, () => intercept());
    expect(interception.ownerFlag).toBe(false);
    expect(lab.near("nft", "list", "table", "inet", "bunnel")).not.toContain("flags owner");
    expectUp(HELLO, {});
    // Without an owner others can remove it; then it is made again.
    lab.near("nft", "flush", "ruleset");
    expect(interception.refresh()).toBe(true);
    expectUp(HELLO, {});
    expect(interception.ownerFlag).toBe(true);
    interception.close();
    expect(lab.traces()).toEqual(NOTHING);
  });

  test("leaves no table behind when it closes", () => {
    const interception = withRefusedCommit(1, () => intercept());
    expect(lab.traces().tables).toEqual(["table inet bunnel"]);
    interception.close();
    expect(lab.traces()).toEqual(NOTHING);
  });
});

describe("createTable()", () => {
  test("does without an owner on a kernel that does not know the flag, and says so", () => {
    const flags: string[] = [];
    const old = (errno: number) => ({
      commit: ([message]: Parameters<NftClient["commit"]>[0]): void => {
        const octets = message?.toBytes(1).toHex() ?? "";
        flags.push(octets.slice(octets.indexOf("08000200") + 8).slice(0, 8));
        if (flags.length === 1) throw new DeviceError("E_UNSUPPORTED", "flag", errno);
      },
    });
    expect(createTable(old(95))).toBe(false);
    expect(flags).toEqual(["00000002", "00000000"]);
    flags.length = 0;
    expect(createTable(old(22))).toBe(false);
    flags.length = 0;
    expect(() => createTable(old(1))).toThrow("flag");
  });
});
