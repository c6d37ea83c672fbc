import { afterEach, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readKnown, readPage } from "./question.ts";
import { defaultStatePath, StateFile } from "./state-file.ts";
import { TEST_HOSTS } from "./test-hosts.ts";

const folder = mkdtempSync(join(tmpdir(), "bunnel-state-"));
const path = join(folder, "deep", "probe.json");
const RUN = { seen: [], trials: [], used: { seconds: 3, connections: 4, octets: 5 } };

afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("StateFile gives back what the same probe has found, for an hour", () => {
  let nowMs = 1_000_000;
  const state = new StateFile(path, ["a.example.org"], () => nowMs);
  expect(state.read()).toBeUndefined();
  state.write(RUN);
  expect(state.read()).toMatchObject(RUN);
  expect(new StateFile(path, ["b.example.org"], () => nowMs).read()).toBeUndefined();
  nowMs += 3_600_001;
  expect(state.read()).toBeUndefined();
  expect(readdirSync(join(folder, "deep"))).toEqual(["probe.json"]);
  state.remove();
  state.remove();
  expect(state.failed).toBeUndefined();
});

test("StateFile takes a damaged file for none, and stops nobody where it cannot write", () => {
  const state = new StateFile(path, []);
  state.write(RUN);
  writeFileSync(path, "{");
  expect(state.read()).toBeUndefined();
  const nowhere = new StateFile("/dev/null/probe.json", []);
  nowhere.write(RUN);
  expect(nowhere.failed).toContain("/dev/null");
});

test("defaultStatePath() is in the user's cache", () => {
  expect(defaultStatePath({ XDG_CACHE_HOME: "/cache" })).toBe("/cache/bunnel/probe.json");
});

test("readPage() takes names and https addresses", () => {
  expect(readPage("Example.org")).toEqual({ host: "example.org", path: "/" });
  expect(readPage("https://example.org/a?b=1")).toEqual({ host: "example.org", path: "/a?b=1" });
  for (const text of ["", "http://example.org", "example.org:8443", "192.0.2.7", "localhost", "a b.example.org"]) {
    expect(() => readPage(text)).toThrow("expected a name");
  }
});

test("readKnown() takes addresses of both families", () => {
  const known = readKnown(["example.org:192.0.2.7,2001:db8::7", "example.org:192.0.2.8"]);
  expect(known.get("example.org")).toEqual(["192.0.2.7", "2001:db8::7", "192.0.2.8"]);
  for (const text of ["example.org", "example.org:here", ":192.0.2.7"])
    expect(() => readKnown([text])).toThrow("expected");
});

test("TEST_HOSTS has pages for every region, and the harmless name is in none", () => {
  const hosts = Object.values(TEST_HOSTS.regions).flat();
  for (const host of [...hosts, TEST_HOSTS.harmless]) expect(readPage(host).host).toBe(host);
  expect(hosts).not.toContain(TEST_HOSTS.harmless);
});
