// Captures of real clients, kept: the engine, the program and the codec find the names that Wireshark found. Needs
// `tshark`.
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { bunnel } from "../cli/run.ts";
import { expectSameNames, said } from "./check.ts";
import { CASES } from "./clients.ts";
import { type Found, namesByTshark } from "./names.ts";

const FOLDER = join(import.meta.dirname, "files");
const NAMES = (await Bun.file(join(FOLDER, "names.json")).json()) as Readonly<Record<string, readonly Found[]>>;
const OCTETS_MAX = 80_000;

function pathOf(name: string): string {
  return join(FOLDER, `${name}.pcapng`);
}

describe.each(CASES)("the capture $name", ({ name, messages }) => {
  const known = NAMES[name] ?? [];

  test("has in it what the client was made to ask for", () => {
    expect(said(known)).toEqual(new Set(messages));
  });

  test("engine, program and codec find the names that Wireshark found", async () => {
    await expectSameNames(pathOf(name), known);
  });

  test("tshark of this machine still says so", async () => {
    expect(await namesByTshark(pathOf(name))).toEqual(known);
  });
});

test("a browser's hello over two segments is planned whole, and each of its connections", async () => {
  const words = ["replay", pathOf("chromium-tcp"), "-s", "tls: split(1, midsld) disorder", "--list", "--json"];
  const { status, out } = await bunnel(words);
  expect(status).toBe(0);
  const report: unknown = JSON.parse(out);
  const connections = (NAMES["chromium-tcp"] ?? []).length;
  expect(report).toMatchObject({
    // Both segments of each hello.
    replaced: 2 * connections,
    messages: Array.from({ length: connections }, () => ({ host: "browser.example.org", verdict: "replace" })),
  });
});

test("the captures are small, and each belongs to a client", async () => {
  const files = [...new Bun.Glob("*.pcapng").scanSync({ cwd: FOLDER })].toSorted();
  expect(files).toEqual(CASES.map(({ name }) => `${name}.pcapng`).toSorted());
  const sizes = await Promise.all(files.map(async (file) => (await Bun.file(join(FOLDER, file)).bytes()).length));
  expect(sizes.reduce((sum, octets) => sum + octets)).toBeLessThan(OCTETS_MAX);
});
