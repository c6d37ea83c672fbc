// needs root: network namespaces
// What interceptNft() does for a gateway, as iproute2 and nft see it, and with packets that are forwarded. The server
// of the lab is a client's network here: what it sends by s1 is forwarded by c0 back to it.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { InterceptionOptions, Selection } from "@bunnel/device";
import { RoutedLab } from "../../test/intercept/routed-lab.ts";
import { RawSender } from "../../test/intercept/sys.ts";
import type { LinuxInterception } from "./interception.ts";
import { interceptNft } from "./nft.ts";
import { interceptRules } from "./rules.ts";
import { sweepInterception } from "./sweep.ts";

const RULE = "9000: from all fwmark 0x8000/0xc000 lookup 4000 proto 178";
const FORWARDED = "9000: from all fwmark 0xc000/0xc000 iif c1 lookup 4000 proto 178";
/** 203.0.113.9:4000 to a place behind the uplink, which is not one of the client's networks. */
const ELSEWHERE = "203.0.113.77";

let lab: RoutedLab;
beforeEach(async () => {
  lab = await RoutedLab.open();
});
afterEach(() => lab[Symbol.dispose]());

function intercept(select: Selection, more: Partial<InterceptionOptions> = {}): LinuxInterception {
  const options = lab.options(select, { gateway: ["c1"], ...more });
  return lab.client.run(() => interceptNft(options, { statePath: lab.statePath }));
}

/** The chains of what is forwarded, as nft prints them. */
function chains(): string {
  const table = lab.near("nft", "list", "table", "inet", "bunnel");
  return table.slice(table.indexOf("\tchain forwarded {")).replace(/packets \d+ bytes \d+/gu, "packets N");
}

/** A UDP datagram to port 443 with the start of a QUIC Initial; its checksum is left out, which IPv4 allows. */
function initial(to: string, hopLimit: number): Uint8Array {
  const payload = Uint8Array.fromHex("c000000001");
  const packet = new Uint8Array(28 + payload.length);
  packet.set([0x45, 0, 0, packet.length, 0, 1, 0, 0, hopLimit, 17]);
  packet.set([203, 0, 113, 9, ...to.split(".").map(Number)], 12);
  packet.set([0x0f, 0xa0, 0x01, 0xbb, 0, 8 + payload.length], 20);
  packet.set(payload, 28);
  return packet;
}

/** The network behind c1 sends a packet to a place, by this machine. What of it comes up at the device. */
function forwarded(to: string, hopLimit = 64): Uint8Array[] {
  lab.far("ip", "route", "replace", `${to}/32`, "via", "198.51.100.1", "dev", "s1");
  lab.server.run(() => {
    using sender = new RawSender(0);
    sender.send(initial(to, hopLimit));
  });
  return lab.readDevice();
}

/** This machine forwards, and takes packets from the network whatever their source. */
function becomeRouter(): void {
  for (const name of ["all", "c1"]) lab.near("sysctl", "-qw", `net.ipv4.conf.${name}.rp_filter=0`);
  lab.near("sysctl", "-qw", "net.ipv4.ip_forward=1");
}

describe("interceptNft() for a gateway", () => {
  test("adds a rule for each interface and family, and takes all of it away", () => {
    const interception = intercept({ tls: [] });
    expect(lab.traces().rules).toEqual([RULE, FORWARDED, RULE, FORWARDED]);
    interception.close();
    expect(lab.traces()).toEqual({ rules: [], routes: [], tables: [] });
  });

  test("makes chains that nft reads as they are meant", () => {
    using _ = intercept({ tls: [443], dns: [] }, { exclude: { users: [{ first: 1, last: 2 }] } });
    expect(chains().replaceAll(/\t\tip6? daddr [^\n]*\n/gu, "")).toBe(
      [
        "\tchain forwarded {",
        "\t\ttype filter hook prerouting priority raw; policy accept;",
        '\t\tiifname != "c1" return',
        "\t\tmeta mark & 0x0000c000 != 0x00000000 return",
        "\t\tmeta l4proto udp goto forwarded-datagrams",
        "\t\tmeta l4proto != tcp return",
        "\t\tth dport 443 @ih,0,16 0x1603 @ih,40,8 0x1 goto forwarded-selected",
        "\t}",
        "",
        "\tchain forwarded-datagrams {",
        "\t\tth dport 53 goto forwarded-selected",
        "\t}",
        "",
        "\tchain forwarded-http {",
        ...lab
          .near("nft", "list", "chain", "inet", "bunnel", "http")
          .split("\n")
          .filter((line) => line.includes("@ih"))
          .map((line) => line.replace("selected", "forwarded-selected")),
        "\t}",
        "",
        "\tchain forwarded-selected {",
        '\t\tfib daddr oifname != "c0" return',
        "\t\tcounter packets N notrack meta mark set meta mark | 0x0000c000",
        "\t}",
        "}",
        "",
      ].join("\n"),
    );
  });

  test("takes up what is forwarded by an uplink, one hop shorter, and nothing that goes elsewhere", () => {
    becomeRouter();
    using _ = intercept({ quic: [] }, { excludes: ["203.0.113.88/32"] });
    const [packet, ...more] = forwarded(ELSEWHERE);
    expect([packet?.[8], packet?.subarray(12, 20).toHex(), more]).toEqual([63, "cb007109cb00714d", []]);
    lab.near("ip", "route", "add", "203.0.113.78/32", "via", "198.51.100.254", "dev", "c1");
    for (const to of [
      "203.0.113.78",
      "198.18.0.9",
      "192.0.2.1",
      "192.0.2.254",
      "198.51.100.1",
      "10.1.2.3",
      "203.0.113.88",
    ]) {
      expect(forwarded(to)).toEqual([]);
    }
    // It has no hop left: the system tells the sender, and nothing comes up.
    expect(forwarded(ELSEWHERE, 1)).toEqual([]);
    expect(forwarded(ELSEWHERE)).toHaveLength(1);
  });

  test("takes up nothing by an uplink whose packets are left alone, nor from another interface", () => {
    becomeRouter();
    {
      using _ = intercept({ quic: [] }, { exclude: { interfaces: ["c0"] } });
      expect(forwarded(ELSEWHERE)).toEqual([]);
    }
    using _ = intercept({ quic: [] }, { gateway: ["c7"] });
    expect(forwarded(ELSEWHERE)).toEqual([]);
  });

  test("follows the uplinks", () => {
    using interception = intercept({ tls: [] });
    lab.near("ip", "route", "add", "default", "via", "198.51.100.254", "dev", "c1", "metric", "50");
    expect(interception.refresh()).toBe(true);
    expect(chains()).toContain('fib daddr oifname != "c0" fib daddr oifname != "c1" return');
  });

  test("puts back a rule that others have removed", () => {
    using interception = intercept({ tls: [] });
    lab.near("ip", "-6", "rule", "del", "iif", "c1");
    expect(interception.refresh()).toBe(true);
    expect(lab.traces().rules).toEqual([RULE, FORWARDED, RULE, FORWARDED]);
  });
});

test("a sweep takes away what a killed gateway left, whatever its interfaces were", () => {
  const left = ["pref", "9000", "fwmark", "0xc000/0xc000", "iif", "gone0", "lookup", "4000"];
  lab.near("ip", "-4", "rule", "add", ...left);
  lab.near("ip", "-6", "rule", "add", ...left);
  const { removed } = lab.client.run(() => sweepInterception({ statePath: lab.statePath }));
  expect(removed).toEqual([
    "ip rule 9000 iif gone0 fwmark 0xc000 lookup 4000 (IPv4)",
    "ip rule 9000 iif gone0 fwmark 0xc000 lookup 4000 (IPv6)",
  ]);
  expect(lab.traces().rules).toEqual([]);
});

test("interceptRules() refuses a gateway, and changes nothing", () => {
  const options = lab.options({ tls: [] }, { gateway: ["c1"] });
  const start = (): unknown => lab.client.run(() => interceptRules(options, { statePath: lab.statePath }));
  expect(start).toThrow('gateway: taking up what is forwarded needs nftables (method "nft")');
  expect(lab.traces()).toEqual({ rules: [], routes: [], tables: [] });
});
