import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defaultProfile, parseProfile } from "@bunnel/profile";
import { Log } from "../logs/log.ts";
import { ownersOf } from "./owners.ts";
import { logOptionsOf, settingsOf } from "./settings.ts";

const NOTHING = { offload: true };

describe("settingsOf()", () => {
  test("takes the profile's settings", () => {
    const profile = parseProfile(`
      [device]
      address = "10.0.9.1"
      netmask = "255.255.0.0"
      offload = false
      queues = 3
      pump = "plain"
      [interception]
      uplinks = ["eth0"]
      kill_switch = true
      [exclude]
      interfaces = ["eth1"]
      groups = ["7"]`);
    expect(settingsOf(NOTHING, profile)).toMatchObject({
      ...{ address: "10.0.9.1", netmask: "255.255.0.0", offload: false, queues: 3, pump: "plain" },
      ...{ uplinks: ["eth0"], killSwitch: true },
      exclude: { interfaces: ["eth1"], groups: [{ first: 7, last: 7 }] },
    });
  });

  test("interfaces of [include] are the uplinks", () => {
    const text = '[interception]\nuplinks = ["eth0"]\n[include]\ninterfaces = ["wlan0"]\n';
    expect(settingsOf(NOTHING, parseProfile(text)).uplinks).toEqual(["wlan0"]);
  });

  test("a word on the command line goes before the profile's", () => {
    const words = {
      offload: false,
      queues: 2,
      pump: "uring",
      killSwitch: true,
      device: "b",
      uplink: ["x"],
      mtu: 1400,
    } as const;
    expect(settingsOf(words, defaultProfile())).toMatchObject({
      ...{ offload: false, queues: 2, pump: "uring", killSwitch: true, deviceName: "b", uplinks: ["x"], mtu: 1400 },
    });
  });
});

test("logOptionsOf(): the profile says how many lines a second are logged, and the command line how", () => {
  const profile = parseProfile('[limits]\nlog_rate_limit = 2\n[log]\nlevel = "error"\n');
  const lines: string[] = [];
  const log = new Log(
    logOptionsOf({ ...NOTHING, logLevel: "debug", logFormat: "json", logHosts: true }, profile),
    (line) => lines.push(line) > 0,
    () => 0,
  );
  for (let i = 0; i < 5; i++) log.debug("flood", { host: "www.example.org" });
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(
    [1, 2].map(() => expect.objectContaining({ event: "flood", host: "www.example.org" })),
  );
});

test("ownersOf() knows users and groups by name, number and range, and says whom it does not know", () => {
  const folder = mkdtempSync(join(tmpdir(), "bunnel-test-"));
  try {
    const [passwd, group] = [join(folder, "passwd"), join(folder, "group")];
    writeFileSync(passwd, "root:x:0:0:root:/root:/bin/sh\nalice:x:1000:100::/home/alice:/bin/sh\n");
    writeFileSync(group, "users:x:100:alice\n");
    const scope = (users: readonly string[]) => ({ ...defaultProfile().exclude, users, groups: ["users"] });
    expect(ownersOf(scope(["alice", "7", "1000-1999"]), passwd, group)).toMatchObject({
      users: [
        { first: 1000, last: 1000 },
        { first: 7, last: 7 },
        { first: 1000, last: 1999 },
      ],
      groups: [{ first: 100, last: 100 }],
    });
    expect(() => ownersOf(scope(["bob"]), passwd, group)).toThrow('expected "bob", found no such name');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
