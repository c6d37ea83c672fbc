// needs root: network namespaces
// What a killed process leaves, and what of it is taken away: in network namespaces, with a process that is killed.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { SweepReport } from "@bunnel/device";
import { RoutedLab, SERVER4, SERVER6 } from "../../test/intercept/routed-lab.ts";
import { NftClient } from "../nft/client.ts";
import { newTable } from "../nft/message.ts";
import { interceptNft } from "./nft.ts";
import { sweepInterception } from "./sweep.ts";

const HELLO = Uint8Array.fromHex("1603010200010001fc0303");
const NOTHING = { rules: [], routes: [], tables: [] };

let lab: RoutedLab;
beforeEach(async () => {
  lab = await RoutedLab.open();
});
afterEach(() => lab[Symbol.dispose]());

function sweep(): SweepReport {
  return lab.client.run(() => sweepInterception({ statePath: lab.statePath }));
}

/** Another process that holds an interception with a device of its own. */
async function hold(method: "nft" | "rules"): Promise<Bun.Subprocess> {
  const { process: holder, said } = await lab.hold(method);
  expect(said).toEqual({ swept: [] });
  return holder;
}

async function kill(holder: Bun.Subprocess): Promise<void> {
  holder.kill("SIGKILL");
  await holder.exited;
}

describe("after a kill in nft mode", () => {
  test("the table is gone, traffic flows, and a sweep removes the two rules", async () => {
    const holder = await hold("nft");
    expect(lab.traces().tables).toEqual(["table inet bunnel"]);
    expect(lab.traces().routes).toHaveLength(2);
    await kill(holder);
    const rule = "9000: from all fwmark 0x8000/0xc000 lookup 4000 proto 178";
    expect(lab.traces()).toEqual({ rules: [rule, rule], routes: [], tables: [] });
    for (const to of [SERVER4, SERVER6]) {
      expect(lab.say(HELLO, { to })).toEqual({ answer: `heard ${HELLO.length}`, cameUp: [] });
      // Even what bears the mark flows: its table is empty.
      expect(lab.say(HELLO, { to, mark: 0x8000 }).answer).toBe(`heard ${HELLO.length}`);
    }
    expect(sweep().removed).toEqual([
      "ip rule 9000 fwmark 0x8000 lookup 4000 (IPv4)",
      "ip rule 9000 fwmark 0x8000 lookup 4000 (IPv6)",
    ]);
    expect(lab.traces()).toEqual(NOTHING);
    expect(sweep().removed).toEqual([]);
  });

  test("the next start sweeps by itself and says what it found", async () => {
    await kill(await hold("nft"));
    const start = (): ReturnType<typeof interceptNft> =>
      interceptNft(lab.options({ tls: [] }), { statePath: lab.statePath });
    using interception = lab.client.run(start);
    expect(interception.swept.removed).toHaveLength(2);
    expect(lab.traces().rules).toHaveLength(2);
    expect(lab.say(HELLO).cameUp).toHaveLength(1);
  });

  test("a table that had no owner is removed", () => {
    lab.client.run(() => {
      using client = NftClient.open();
      client.commit([newTable("bunnel", 0, "bunnel")]);
    });
    expect(sweep().removed).toEqual(["nftables table inet bunnel"]);
    expect(lab.traces()).toEqual(NOTHING);
  });
});

describe("after a kill in rules mode", () => {
  test("traffic flows, and a sweep removes the rules and restores the filters", async () => {
    lab.near("sysctl", "-qw", "net.ipv4.conf.c0.rp_filter=1");
    const holder = await hold("rules");
    expect(lab.near("sysctl", "-n", "net.ipv4.conf.c0.rp_filter").trim()).toBe("2");
    await kill(holder);
    for (const to of [SERVER4, SERVER6]) expect(lab.say("hello", { to })).toEqual({ answer: "heard 5", cameUp: [] });
    const { removed } = sweep();
    expect(removed.filter((line) => !line.includes(" to "))).toEqual([
      "ip rule 8998 fwmark 0x4000 lookup main (IPv4)",
      "ip rule 8999 lookup main suppress_prefixlength 0 (IPv4)",
      "ip rule 9000 iif lo lookup 4000 (IPv4)",
      "ip rule 9003 iif c0 fwmark 0x1 nop (IPv4)",
      "ip rule 8998 fwmark 0x4000 lookup main (IPv6)",
      "ip rule 9000 iif lo lookup 4000 (IPv6)",
      "ip rule 9001 lookup main suppress_prefixlength 0 (IPv6)",
      "ip rule 9002 iif lo lookup 4002 (IPv6)",
      "2 throw routes of table 4000 (IPv6)",
      "rp_filter of c0 is 1 again",
    ]);
    expect(removed).toContain("ip rule 8999 to 10.0.0.0/8 lookup main (IPv4)");
    expect(lab.near("sysctl", "-n", "net.ipv4.conf.c0.rp_filter").trim()).toBe("1");
    expect(lab.traces()).toEqual(NOTHING);
    expect(sweep().removed).toEqual([]);
  });

  test("a sweep in another namespace leaves filters alone", async () => {
    lab.near("sysctl", "-qw", "net.ipv4.conf.c0.rp_filter=1");
    await kill(await hold("rules"));
    lab.far("ip", "link", "add", "c0", "type", "veth", "peer", "name", "d0");
    lab.far("sysctl", "-qw", "net.ipv4.conf.c0.rp_filter=2");
    const { removed } = lab.server.run(() => sweepInterception({ statePath: lab.statePath }));
    expect(removed).toEqual([]);
    expect(lab.far("sysctl", "-n", "net.ipv4.conf.c0.rp_filter").trim()).toBe("2");
  });
});

describe("sweepInterception()", () => {
  test("touches nothing of a bunnel that lives", async () => {
    for (const method of ["nft", "rules"] as const) {
      const holder = await hold(method);
      const before = lab.traces();
      expect(sweep).toThrow(expect.objectContaining({ code: "E_DEVICE_BUSY" }));
      expect(sweep).toThrow("another bunnel is running");
      expect(lab.traces()).toEqual(before);
      await kill(holder);
      expect(sweep().removed).not.toEqual([]);
    }
  });

  test("removes every copy of our rules and no rule that differs in anything", () => {
    const ours = [
      ["pref", "9000", "fwmark", "0x8000/0xc000", "lookup", "4000"],
      ["pref", "9000", "iif", "lo", "lookup", "4000"],
    ];
    const foreign = [
      ["pref", "9000", "fwmark", "0x8000/0xff00", "lookup", "4000"],
      ["pref", "9000", "fwmark", "0x8000/0xc000", "lookup", "4001"],
      ["pref", "9001", "fwmark", "0x8000/0xc000", "lookup", "4000"],
      ["pref", "9000", "from", "192.0.2.1", "fwmark", "0x8000/0xc000", "lookup", "4000"],
      ["pref", "9000", "iif", "c0", "lookup", "4000"],
      ["pref", "8999", "lookup", "main", "suppress_prefixlength", "1"],
      ["pref", "8998", "not", "fwmark", "0x4000/0x4000", "lookup", "main"],
      ...["tos 0x10", "ipproto tcp", "ipproto tcp sport 80", "ipproto udp dport 53-60", "uidrange 0-5", "oif c0"]
        .concat(["suppress_ifgroup 7", "protocol 99", "realms 5", "tun_id 9"])
        .map((selector) => ["pref", "9000", "fwmark", "0x8000/0xc000", ...selector.split(" "), "lookup", "4000"]),
    ];
    for (const rule of foreign) lab.near("ip", "rule", "add", ...rule);
    const before = lab.traces();
    for (const rule of foreign) lab.near("ip", "rule", "del", ...rule);
    for (const rule of [...ours, ...foreign]) lab.near("ip", "rule", "add", ...rule);
    expect(sweep().removed).toEqual([
      "ip rule 9000 fwmark 0x8000 lookup 4000 (IPv4)",
      "ip rule 9000 iif lo lookup 4000 (IPv4)",
    ]);
    expect(lab.traces()).toEqual(before);
  });

  test("removes the rule by which version 0.1 let narrower IPv6 routes win", () => {
    lab.near("ip", "-6", "rule", "add", "pref", "8999", "lookup", "main", "suppress_prefixlength", "0");
    expect(sweep().removed).toEqual(["ip rule 8999 lookup main suppress_prefixlength 0 (IPv6)"]);
    expect(lab.traces()).toEqual(NOTHING);
  });

  test("removes no rule in whose stead the system would remove a foreign one", () => {
    const foreign = ["pref", "9000", "from", "192.0.2.1", "fwmark", "0x8000/0xc000", "lookup", "4000"];
    lab.near("ip", "rule", "add", ...foreign);
    const before = lab.traces();
    expect(sweep().removed).toEqual([]);
    expect(lab.traces()).toEqual(before);
  });

  test("leaves a table of that name alone that is not ours", () => {
    lab.near("nft", "add", "table", "inet", "bunnel");
    lab.near("nft", "add", "chain", "inet", "bunnel", "theirs");
    lab.near("ip", "rule", "add", "pref", "9000", "fwmark", "0x8000/0xc000", "lookup", "4000");
    expect(sweep).toThrow('nftables table inet bunnel: expected our own with the comment "bunnel", found ""');
    expect(lab.near("nft", "list", "table", "inet", "bunnel")).toContain("theirs");
    expect(lab.traces().rules).toHaveLength(1);
  });
});
