// needs root: a folder is given to another user
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync, chmodSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseProfile } from "@bunnel/profile";
import { Log } from "../logs/log.ts";
import { DEFAULT_STATE_DIR } from "../service/state-dir.ts";
import { MemoryService, type MemoryServiceOptions } from "./memory-service.ts";
import { giveFolder, memoryPath, prepareFolder } from "./place.ts";

const USER = { name: "1234", uid: 1234, gid: 1234 };
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "bunnel-test-"));
  chmodSync(folder, 0o755);
});

afterEach(() => rmSync(folder, { recursive: true }));

function options(section: string): MemoryServiceOptions {
  const log = new Log({ level: "error", format: "json", hosts: true, rateLimit: 9 }, () => true);
  return { profile: parseProfile(`[memory]\n${section}`), stateDir: folder, user: undefined, log };
}

test("memoryPath() is beside the state, or where it lasts", () => {
  expect(memoryPath("", "/tmp/x", {})).toBe("/tmp/x/memory.sqlite");
  expect(memoryPath("", DEFAULT_STATE_DIR, {})).toBe("/var/lib/bunnel/memory.sqlite");
  const systemd = { STATE_DIRECTORY: "/var/lib/private/bunnel:/other" };
  expect(memoryPath("", DEFAULT_STATE_DIR, systemd)).toBe("/var/lib/private/bunnel/memory.sqlite");
  expect(memoryPath("/srv/m.sqlite", "/tmp/x", {})).toBe("/srv/m.sqlite");
});

test("a folder of its own is made, given to the service's user, and taken back", () => {
  const path = join(folder, "own", "m.sqlite");
  prepareFolder(path, folder, USER);
  writeFileSync(path, "");
  giveFolder(path, folder, USER);
  expect(statSync(path)).toMatchObject({ uid: 1234, gid: 1234 });
  expect(statSync(join(folder, "own"))).toMatchObject({ uid: 1234, mode: 0o040700 });
  prepareFolder(path, folder, USER);
  expect(statSync(path).uid).toBe(0);
});

test("a folder that others use is not taken", () => {
  const dir = join(folder, "etc");
  mkdirSync(dir, { mode: 0o755 });
  writeFileSync(join(dir, "passwd"), "");
  expect(() => prepareFolder(join(dir, "m.sqlite"), folder, USER)).toThrow('found "passwd"');
  expect(statSync(dir).mode & 0o777).toBe(0o755);
});

test("[memory] file: where it lies; the state directory without a word", () => {
  using here = MemoryService.open(options("watch = false\n"));
  expect(here.figures.file).toBe(join(folder, "memory.sqlite"));
  const file = join(folder, "elsewhere", "mine.sqlite");
  using there = MemoryService.open(options(`watch = false\nfile = ${JSON.stringify(file)}\n`));
  expect(there.figures).toMatchObject({ enabled: true, watching: false, file });
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

test("[memory] enabled: nothing is made where it is off", () => {
  using off = MemoryService.open(options("enabled = false\n"));
  expect(off.figures).toEqual({ enabled: false, file: null, watching: false });
  expect(() => statSync(join(folder, "memory.sqlite"))).toThrow("ENOENT");
  expect(() => off.commands["hosts"]?.({})).toThrow("switched off");
});

test("[memory] max_hosts: so many are kept", () => {
  using service = MemoryService.open(options("watch = false\nmax_hosts = 2\n"));
  for (const [at, host] of ["a.example.org", "b.example.org", "c.example.org"].entries()) {
    const strategy = "tls: split(1)";
    service.memory?.record({ network: "home", host, strategy, worked: true, how: "traffic", at });
  }
  expect(service.memory?.hosts("home").map(({ host }) => host)).toEqual(["c.example.org", "b.example.org"]);
});

test("a file that cannot be had does not keep the service from starting", () => {
  mkdirSync(join(folder, "memory.sqlite"));
  using service = MemoryService.open(options("watch = false\n"));
  expect(service.figures).toMatchObject({ enabled: true, file: null });
});
