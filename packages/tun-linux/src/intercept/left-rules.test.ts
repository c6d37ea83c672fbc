// needs root: network namespaces
// What a killed process leaves is known by its marks alone: each sweep here has a state file of its own.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { RoutedLab, SERVER4, SERVER6 } from "../../test/intercept/routed-lab.ts";
import type { LinuxInterception } from "./interception.ts";
import { interceptNft } from "./nft.ts";
import { interceptRules } from "./rules.ts";
import { sweepInterception } from "./sweep.ts";

const METHODS = ["nft", "rules"] as const;
const NOTHING = { rules: [], routes: [], tables: [] };
const FILTER = "net.ipv4.conf.c0.rp_filter";

let lab: RoutedLab;
let elsewhere: string;
beforeEach(async () => {
  lab = await RoutedLab.open();
  elsewhere = join(lab.directory, "elsewhere", "state.json");
});
afterEach(() => lab[Symbol.dispose]());

async function killed(method: "nft" | "rules", kind: readonly string[] = []): Promise<void> {
  const { process: holder } = await lab.hold(method, kind);
  holder.kill("SIGKILL");
  await holder.exited;
}

function start(method: "nft" | "rules", more: Parameters<RoutedLab["options"]>[1] = {}): LinuxInterception {
  const intercept = method === "nft" ? interceptNft : interceptRules;
  return lab.client.run(() => intercept(lab.options({ tls: [] }, more), { statePath: elsewhere }));
}

const sweep = () => lab.client.run(() => sweepInterception({ statePath: elsewhere }));

describe.each(METHODS)("without the state file of a killed %s mode", (left) => {
  test.each(METHODS)("the next start with method %s says what it found, and ends with nothing left", async (method) => {
    lab.near("sysctl", "-qw", `${FILTER}=1`);
    await killed(left);
    const next = start(method);
    expect(next.swept.removed).toContain(
      "ip rule 9000 " + (left === "nft" ? "fwmark 0x8000" : "iif lo") + " lookup 4000 (IPv6)",
    );
    expect(next.swept.removed.includes("rp_filter of c0 is 1 again")).toBe(left === "rules");
    next.close();
    expect(lab.traces()).toEqual(NOTHING);
    expect(lab.near("sysctl", "-n", FILTER).trim()).toBe("1");
  });

  test("a sweep takes it all", async () => {
    lab.near("sysctl", "-qw", `${FILTER}=1`);
    await killed(left);
    const { removed } = sweep();
    if (left === "rules") expect(removed).toContain("ip rule 8999 to fc00::/7 lookup main (IPv6)");
    expect(lab.traces()).toEqual(NOTHING);
    expect(lab.near("sysctl", "-n", FILTER).trim()).toBe("1");
    expect(sweep().removed).toEqual([]);
  });

  test("a kill switch is taken over, and what it was started with is put back", async () => {
    lab.near("sysctl", "-qw", `${FILTER}=1`);
    await killed(left, ["closed"]);
    const before = lab.traces().rules;
    const next = start(left, { killSwitch: true });
    expect(next.swept.removed).toEqual([]);
    expect(lab.traces().rules.toSorted()).toEqual(before.toSorted());
    next.close();
    expect(lab.traces()).toEqual(NOTHING);
    expect(lab.near("sysctl", "-n", FILTER).trim()).toBe("1");
  });

  test("one that lives is seen, and not touched", async () => {
    await lab.hold(left);
    const before = lab.traces();
    expect(sweep).toThrow(expect.objectContaining({ code: "E_DEVICE_BUSY" }));
    expect(() => start("rules")).toThrow("another bunnel is running (route table 4000 leads into its device tun1)");
    expect(lab.traces()).toEqual(before);
  });
});

describe("somebody else's", () => {
  const foreign = [
    ["-4", "pref", "8999", "to", "10.0.0.0/8", "lookup", "main"],
    ["-4", "pref", "8999", "to", "10.0.0.0/8", "lookup", "main", "protocol", "99"],
    ["-4", "pref", "9000", "iif", "c1", "lookup", "main"],
    ["-6", "pref", "8999", "to", "fc00::/7", "lookup", "main"],
    ["-6", "pref", "9001", "from", "2001:db8:1::1", "lookup", "main"],
    ["-6", "pref", "9002", "iif", "c1", "lookup", "7"],
    // Our number, and yet nothing that we would make.
    ["-4", "pref", "9000", "fwmark", "0x8000/0xc000", "lookup", "7", "protocol", "178"],
    ["-4", "pref", "100", "iif", "lo", "lookup", "4001", "protocol", "178"],
  ];

  test("rules of the same priorities are beside ours, and stay", async () => {
    for (const [family = "", ...rule] of foreign) lab.near("ip", family, "rule", "add", ...rule);
    const before = lab.traces();
    await killed("rules");
    using next = start("rules");
    expect(lab.say("hello", { kind: "udp", to: SERVER4 }).cameUp).not.toEqual([]);
    expect(lab.say("hello", { kind: "udp", to: SERVER6 }).cameUp).not.toEqual([]);
    next.close();
    expect(lab.traces()).toEqual(before);
    await killed("nft");
    expect(sweep().removed).toHaveLength(2);
    expect(lab.traces()).toEqual(before);
  });

  test.each([
    ["-4", "4", "pref 9000 from 192.0.2.1 lookup 4000", "ip rule 9000 from 192.0.2.1/32 lookup 4000"],
    ["-6", "6", "pref 9002 tos 0x10 lookup 4002", "ip rule 9002 lookup 4002"],
  ])("rule into our table (%s) is named, and nothing is done", async (option, family, rule, words) => {
    lab.near("ip", option, "rule", "add", ...rule.split(" "));
    const before = lab.traces();
    const message = `found somebody else's: ${words} (IPv${family}); it is left alone`;
    for (const method of METHODS) expect(() => start(method)).toThrow(message);
    expect(lab.traces()).toEqual(before);
  });
});

test("exceptions of a version that gave no number, and whose state file is lost, stay beside ours", () => {
  for (const [family = "", to = ""] of [
    ["-4", "10.0.0.0/8"],
    ["-6", "fc00::/7"],
  ]) {
    lab.near("ip", family, "rule", "add", "pref", "8999", "to", to, "lookup", "main");
  }
  lab.near("ip", "rule", "add", "pref", "9000", "iif", "lo", "lookup", "4000");
  const next = start("rules");
  expect(next.swept.removed).toEqual(["ip rule 9000 iif lo lookup 4000 (IPv4)"]);
  next.close();
  expect(lab.traces().rules).toHaveLength(2);
});
