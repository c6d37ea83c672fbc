// needs root: network namespaces
// Whose packets come up: users, groups, control groups, processes, interfaces; destinations as sets. Other programs
// send the packets, and the counter of the last rule is the witness.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { copyFileSync, mkdirSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import type { InterceptionOptions, PacketOwners, Selection } from "@bunnel/device";
import { RoutedLab, SERVER4, SERVER6 } from "../../test/intercept/routed-lab.ts";
import { cgroupRoot } from "../owners/cgroups.ts";
import { interceptNft } from "./nft.ts";
import { interceptRules } from "./rules.ts";

let lab: RoutedLab;
beforeEach(async () => {
  lab = await RoutedLab.open();
});
afterEach(() => lab[Symbol.dispose]());

function intercept(more: Partial<InterceptionOptions>, select: Selection = { quic: [] }) {
  return lab.client.run(() => interceptNft(lab.options(select, more), { statePath: lab.statePath }));
}

/** Packets that were marked until now. */
function marked(): number {
  const [, packets] = /counter packets (\d+)/u.exec(lab.near("nft", "list", "table", "inet", "bunnel")) ?? [];
  return Number(packets);
}

const SAY = `printf '\\xc0\\x00\\x00\\x00\\x01' > /dev/udp/${SERVER4}/443`;

/** Whether a QUIC Initial of this program comes up. */
function comesUp(...program: readonly string[]): boolean {
  const before = marked();
  lab.near(...program, SAY);
  lab.readDevice();
  return marked() > before;
}

const asUser = (uid: number, gid: number) =>
  comesUp("setpriv", `--reuid=${uid}`, `--regid=${gid}`, "--clear-groups", "bash", "-c");

describe("interceptNft() leaves alone", () => {
  test("users and groups, alone and in ranges", () => {
    const exclude: PacketOwners = {
      users: [
        { first: 1001, last: 1001 },
        { first: 2000, last: 2999 },
      ],
      groups: [{ first: 70, last: 79 }],
    };
    using _ = intercept({ exclude });
    expect([asUser(1000, 1000), asUser(1002, 1000), asUser(3000, 80)]).toEqual([true, true, true]);
    expect([asUser(1001, 1000), asUser(2000, 1000), asUser(2999, 1000)]).toEqual([false, false, false]);
    expect([asUser(1000, 70), asUser(1000, 79)]).toEqual([false, false]);
  });

  test("control groups with all below them, also such as are made later", () => {
    const name = `bunnel-test-${process.pid}`;
    const path = join(cgroupRoot(), name);
    const inside = (group: string) => comesUp("bash", "-c", `echo $$ > ${join(path, group)}/cgroup.procs; eval "$0"`);
    using interception = intercept({ exclude: { cgroups: [`${name}/some`] } });
    try {
      mkdirSync(join(path, "some", "below"), { recursive: true });
      mkdirSync(join(path, "other"));
      expect(inside("some")).toBe(true);
      expect(interception.refresh()).toBe(true);
      expect(interception.refresh()).toBe(false);
      expect([inside("some"), inside("some/below"), inside("other")]).toEqual([false, false, true]);
    } finally {
      for (const group of ["some/below", "some", "other", ""]) rmdirSync(join(path, group));
    }
  });

  test("processes by name", () => {
    const talker = join(lab.directory, "talker");
    copyFileSync("/bin/bash", talker);
    using _ = intercept({ exclude: { processes: ["talker", "somebody else"] } });
    expect([comesUp(talker, "-c"), comesUp("bash", "-c")]).toEqual([false, true]);
  });

  test("interfaces", () => {
    using _ = intercept({ exclude: { interfaces: ["c0"] } });
    expect(comesUp("bash", "-c")).toBe(false);
  });

  test("destinations and ports of sets, whatever they are", () => {
    const addresses = ["203.0.113.0-203.0.113.8", "203.0.113.10-255.255.255.255", "2001:db8::-2001:db8::ffff"];
    using _ = intercept({}, { quic: [443, 8080], except: { addresses, ports: [{ first: 8000, last: 8999 }] } });
    const to = (address: string, port: number) => {
      const before = marked();
      lab.near("bash", "-c", `printf '\\xc0\\x00\\x00\\x00\\x01' > /dev/udp/${address}/${port}`);
      return marked() > before;
    };
    expect([to(SERVER4, 443), to("203.0.113.200", 443), to(SERVER4, 8080)]).toEqual([true, false, false]);
    expect([to(SERVER6, 443), to("2001:db8::1", 443)]).toEqual([true, false]);
  });
});

describe("interceptNft() lets nothing up but", () => {
  test("users", () => {
    using _ = intercept({ include: { users: [{ first: 1000, last: 1001 }] } });
    expect([asUser(1000, 5), asUser(1001, 5), asUser(999, 5), asUser(1002, 5)]).toEqual([true, true, false, false]);
  });

  test("groups", () => {
    using _ = intercept({ include: { groups: [{ first: 50, last: 51 }] } });
    expect([asUser(1000, 50), asUser(1000, 51), asUser(1000, 52)]).toEqual([true, true, false]);
  });

  test("control groups", () => {
    const name = `bunnel-test-${process.pid}-only`;
    const path = join(cgroupRoot(), name);
    mkdirSync(path);
    try {
      using _ = intercept({ include: { cgroups: [name] } });
      expect(comesUp("bash", "-c")).toBe(false);
      expect(comesUp("bash", "-c", `echo $$ > ${path}/cgroup.procs; eval "$0"`)).toBe(true);
    } finally {
      rmdirSync(path);
    }
  });

  test("processes of a name that also are of a user", () => {
    const talker = join(lab.directory, "talk-only");
    copyFileSync("/bin/bash", talker);
    using _ = intercept({ include: { processes: ["talk-only"], users: [{ first: 0, last: 0 }] } });
    expect([comesUp(talker, "-c"), comesUp("bash", "-c")]).toEqual([true, false]);
  });

  test("the destinations that are named for a kind of message", () => {
    const addresses = { quic: ["203.0.113.0-203.0.113.9"], tls: ["2001:db8::-2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"] };
    using _ = intercept({}, { quic: [], tls: [], http: [80], addresses });
    expect(comesUp("bash", "-c")).toBe(true);
    const hello = Uint8Array.fromHex("1603010200010001fc0303");
    expect(lab.say(hello, { to: SERVER6, port: 443 }).cameUp).toHaveLength(1);
    expect(lab.say(hello, { to: SERVER4, port: 443 }).cameUp).toHaveLength(0);
    expect(lab.say("GET / HTTP/1.1", { to: SERVER4, port: 80 }).cameUp).toHaveLength(1);
  });
});

/** Whether the Initial of this user comes up, where nobody counts. */
function arrives(uid: number): boolean {
  lab.readDevice();
  lab.near("setpriv", `--reuid=${uid}`, `--regid=${uid}`, "--clear-groups", "bash", "-c", SAY);
  return lab.readDevice().some((packet) => packet.toHex().endsWith("c000000001"));
}

describe("interceptRules()", () => {
  test("leaves users alone, and sweeps what it made for them", () => {
    const options = lab.options({ tls: [] }, { exclude: { users: [{ first: 1001, last: 1002 }] } });
    const interception = lab.client.run(() => interceptRules(options, { statePath: lab.statePath }));
    expect([1000, 1001, 1002].map(arrives)).toEqual([true, false, false]);
    interception.close();
    expect(lab.traces()).toEqual({ rules: [], routes: [], tables: [] });
  });

  test("lets up no users but those that are named", () => {
    const options = lab.options({ tls: [] }, { include: { users: [{ first: 1001, last: 1002 }] } });
    using _ = lab.client.run(() => interceptRules(options, { statePath: lab.statePath }));
    expect([1000, 1001, 1003].map(arrives)).toEqual([false, true, false]);
  });

  test("refuses what policy rules cannot tell apart", () => {
    const refused: readonly PacketOwners[] = [
      { groups: [{ first: 1, last: 1 }] },
      { cgroups: ["a"] },
      { processes: ["a"] },
      { interfaces: ["c0"] },
    ];
    for (const exclude of refused) {
      const options = lab.options({ tls: [] }, { exclude });
      const [name = ""] = Object.keys(exclude);
      expect(() => lab.client.run(() => interceptRules(options, { statePath: lab.statePath }))).toThrow(
        `${name}: telling packets apart by them needs nftables`,
      );
    }
    expect(lab.traces()).toEqual({ rules: [], routes: [], tables: [] });
  });
});

describe("uplinks", () => {
  test("a default route into a tunnel of another program is none, unless it is named", () => {
    lab.near("ip", "tuntap", "add", "vpn0", "mode", "tun");
    lab.near("ip", "link", "set", "vpn0", "up");
    lab.near("ip", "route", "add", "default", "dev", "vpn0", "metric", "1");
    using interception = intercept({});
    expect(interception.uplinks).toEqual(["c0"]);
    interception.close();
    using named = intercept({ uplinks: ["vpn0"] });
    expect(named.uplinks).toEqual(["vpn0"]);
    named.close();
    lab.near("ip", "route", "del", "default", "dev", "c0");
    lab.near("ip", "-6", "route", "del", "default", "dev", "c0");
    expect(() => intercept({})).toThrow("found tunnels alone (vpn0), which are used when they are named");
  });
});
