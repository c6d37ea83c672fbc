// `bunnel lab` as a user meets it: tables, pages, packets, strategies and censors of one's own, searches, and errors.
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync } from "node:fs";
import { CENSOR_EXAMPLE } from "@bunnel/lab";
import { readCapture } from "@bunnel/wire";
import { bunnel, TempFolder } from "./run.ts";

setDefaultTimeout(60_000);

async function cellsOf(words: readonly string[]): Promise<Record<string, Record<string, string>>> {
  const { status, out, err } = await bunnel(["lab", "matrix", "--json", ...words]);
  expect({ status, err }).toEqual({ status: 0, err: "" });
  const report = JSON.parse(out) as { rows: { name: string; cells: Record<string, string> }[] };
  return Object.fromEntries(report.rows.map(({ name, cells }) => [name, cells]));
}

describe("bunnel lab matrix", () => {
  test("prints the rows and columns that were asked for, by name, number and first word", async () => {
    const { status, out } = await bunnel(["lab", "matrix", "-t", "nothing,split,fake-ttl", "-c", "none,packet,C8"]);
    expect(status).toBe(0);
    const lines = out.split("\n").filter((line) => /^[(a-z].*[P.r]$/.test(line));
    expect(lines.map((line) => line.replace(/\s+/g, " "))).toEqual([
      "(nothing) P . r",
      "split first octets P . r",
      "split in the name P P r",
      "fake ttl P . P",
    ]);
  });

  test("tells the same as JSON, over IPv6 and a strict router too", async () => {
    const words = ["-t", "fake-badsum,disorder", "-c", "inorder,C1"];
    const plain = { inorder: "served", packet: "blocked" };
    expect(await cellsOf([...words, "--ipv6"])).toMatchObject({ "fake badsum": plain });
    expect(await cellsOf([...words, "--router", "strict"])).toMatchObject({
      "fake badsum": { inorder: "blocked", packet: "blocked" },
      disorder: { inorder: "served", packet: "served" },
    });
  });

  test("takes strategies from the command line, from a file and by preset", async () => {
    using folder = new TempFolder();
    const path = folder.file("mine.txt");
    await Bun.write(path, "# mine\ncut = tls: split(midsld)\n\ntls: fake(zeros, ttl=4)\n");
    const cells = await cellsOf(["--strategies", path, "-s", "tls: split(1)", "-c", "packet"]);
    expect(cells).toEqual({
      "tls: split(1)": { packet: "blocked" },
      cut: { packet: "served" },
      "tls: fake(zeros, ttl=4)": { packet: "blocked" },
    });
    expect(await cellsOf(["-t", "preset:default", "-c", "packet"])).toEqual({ "preset:default": { packet: "served" } });
  });

  test("takes a censor of one's own", async () => {
    using folder = new TempFolder();
    await Bun.write(folder.file("mine.ts"), CENSOR_EXAMPLE);
    const cells = await cellsOf(["--censor", folder.file("mine.ts"), "-t", "nothing,split-in-the-name"]);
    expect(cells).toEqual({ "(nothing)": { mine: "blocked" }, "split in the name": { mine: "served" } });
  });

  test("hands a censor of one's own what it makes a box of axes with, wherever its file lies", async () => {
    using folder = new TempFolder();
    const state = '{ kind: "full", keep: "first", verdict: "every-change" }';
    const model = `{ name: "first", says: "The box reads on.", axes: { ...plainAxes, state: ${state} } }`;
    const text = `export default (options, { makeBox, plainAxes }) => makeBox(${model}, options);\n`;
    await Bun.write(folder.file("axes.ts"), text);
    const cells = await cellsOf(["--censor", folder.file("axes.ts"), "-t", "disorder,fake-ttl"]);
    expect(cells).toEqual({ disorder: { first: "blocked" }, "fake ttl": { first: "served" } });
  });

  test.each([
    ["({})", "cannot be used: name: expected a string, found undefined"],
    ['({ name: "a", says: "b", reset() {} })', "cannot be used: judge: expected a function, found undefined"],
    ['({ name: "a", says: "b", reset() {}, judge() {} })', "expected {"],
    ['({ name: "a", says: "b", reset() {}, judge() { throw new Error("no luck"); } })', "threw no luck"],
    [
      '({ name: "a", says: "b", reset() {}, judge: () => ({ forward: true, inject: [{}] }) })',
      "inject: expected packets of octets",
    ],
  ])("a censor of one's own that is %p ends by what it did, without a stack", async (made, sentence) => {
    using folder = new TempFolder();
    await Bun.write(folder.file("bad.ts"), `export default () => ${made};\n`);
    for (const words of [["matrix", "-t", "split"], ["evolve"]]) {
      const { status, err } = await bunnel(["lab", ...words, "--censor", folder.file("bad.ts")]);
      expect(status).toBe(1);
      expect(err).toContain(sentence);
      expect(err).not.toContain("\n    at ");
    }
  });

  test("what was asked for twice is there once, and of two with one name nobody could tell which", async () => {
    using folder = new TempFolder();
    expect(await cellsOf(["-t", "disorder,disorder", "-c", "C1,packet"])).toEqual({ disorder: { packet: "served" } });
    await Bun.write(folder.file("twice.txt"), "cut=tls: split(midsld)\ncut = tls: split(1)\n");
    const twice = await bunnel(["lab", "matrix", "--strategies", folder.file("twice.txt")]);
    expect({ status: twice.status, err: twice.err }).toEqual({
      status: 2,
      err: 'bunnel: strategy "cut": two have this name\n',
    });
    await Bun.write(folder.file("packet.ts"), CENSOR_EXAMPLE.replace('"mine"', '"packet"'));
    const own = await bunnel(["lab", "matrix", "-c", "C1", "--censor", folder.file("packet.ts")]);
    expect({ status: own.status, err: own.err }).toEqual({
      status: 2,
      err: 'bunnel: censor "packet": two have this name\n',
    });
  });

  test("writes a page that needs nothing beside it, and the packets of each cell", async () => {
    using folder = new TempFolder();
    const page = folder.file("table.html");
    const words = ["-t", "fake-ttl", "-c", "packet,inorder", "--html", page, "--captures", folder.file("flows")];
    expect((await bunnel(["lab", "matrix", ...words])).status).toBe(0);
    const text = await Bun.file(page).text();
    expect(text).toStartWith("<!doctype html>");
    expect(text).toContain('<td class="pass"');
    expect(text).toContain('<td class="stop"');
    expect(text).not.toMatch(/<script|<link|<img|https?:\/\/|@import|url\(/);
    const files = readdirSync(folder.file("flows")).toSorted();
    expect(files).toEqual(["fake_ttl-inorder.pcapng", "fake_ttl-packet.pcapng"]);
    const capture = readCapture(await Bun.file(folder.file(`flows/${files[0]}`)).bytes());
    expect(capture.packets.length).toBeGreaterThan(8);
  });

  test.each([
    [["-c", "gfw-tl"], 'censor "gfw-tl": there is none (did you mean "gfw-tls"?); bunnel lab list shows all'],
    [["-t", "splt"], 'technique "splt": there is none (did you mean "split"?); bunnel lab list shows all'],
    [["-t", "preset:defalt"], 'preset "defalt": there is none (did you mean "default"?)'],
    [["-t", ""], "techniques: expected names, with commas, found an empty text"],
    [["-c", ","], 'censors: expected names, with commas, found ","'],
    [["--router", "strickt"], 'router: expected none, lenient, strict, found "strickt" (did you mean "strict"?)'],
    [["--message", "htp"], 'message: expected tls, http, quic, dns, found "htp" (did you mean "http"?)'],
  ])("%p: says what was meant", async (words, sentence) => {
    const { status, err } = await bunnel(["lab", "matrix", ...words]);
    expect({ status, err }).toEqual({ status: 2, err: `bunnel: ${sentence}\n` });
  });

  test("says in which line of a file the fault is, and what a censor's file lacks", async () => {
    using folder = new TempFolder();
    await Bun.write(folder.file("bad.txt"), "# one\ntls: splt(1)\n");
    const bad = await bunnel(["lab", "matrix", "--strategies", folder.file("bad.txt")]);
    expect(bad.status).toBe(2);
    expect(bad.err).toContain("bad.txt:2: ");
    expect(bad.err).toContain('did you mean "split"?');
    await Bun.write(folder.file("none.ts"), "export const censor = 1;\n");
    const none = await bunnel(["lab", "matrix", "--censor", folder.file("none.ts")]);
    expect(none.status).toBe(1);
    expect(none.err).toContain("expected a function that makes a censor as its default export, found undefined");
  });
});

describe("bunnel lab evolve", () => {
  test("finds a strategy, says why each part stays, and the same one with any number of workers", async () => {
    const search = async (workers: string) => {
      const { status, out } = await bunnel(["lab", "evolve", "-c", "C1", "--json", "--workers", workers]);
      expect(status).toBe(0);
      const { seconds: _, ...result } = JSON.parse(out) as { seconds: number; strategy: string };
      return result;
    };
    const [none, one, three] = [await search("0"), await search("1"), await search("3")];
    expect(one).toEqual(none);
    expect(three).toEqual(none);
    const cells = await cellsOf(["-s", none.strategy, "-c", "packet"]);
    expect(Object.values(cells)).toEqual([{ packet: "served" }]);
  });

  test("beats a censor of one's own, in threads", async () => {
    using folder = new TempFolder();
    await Bun.write(folder.file("mine.ts"), CENSOR_EXAMPLE);
    const { status, out } = await bunnel(["lab", "evolve", "--censor", folder.file("mine.ts"), "--seed", "4"]);
    expect(status).toBe(0);
    expect(out).toMatch(/^(tls|syn): /);
    expect(out).toContain("passes ");
  });

  test("says so when nothing passes, and what was the best", async () => {
    const words = ["lab", "evolve", "-c", "strict", "--generations", "2", "--population", "20", "--workers", "0"];
    const { status, out } = await bunnel(words);
    expect(status).toBe(1);
    expect(out).toStartWith("Nothing passes strict so far (2 generations,");
  });

  test.each([
    [["-c", "tsp"], 'bunnel: censor "tsp": there is none (did you mean "tspu"?)\n'],
    [["-c", "./nowhere.ts"], "bunnel: censor ./nowhere.ts cannot be used: "],
  ])("%p: says what is wrong", async (words, start) => {
    const { status, err } = await bunnel(["lab", "evolve", ...words]);
    expect(status).not.toBe(0);
    expect(err).toStartWith(start);
  });
});

test("bunnel lab list names every censor and technique, bunnel help lab the commands and the contract", async () => {
  const { out } = await bunnel(["lab", "list"]);
  for (const word of ["C14  rst-tap", "geneva-8b", "hostfakesplit midhost"]) expect(out).toContain(word);
  const help = await bunnel(["help", "lab"]);
  for (const word of ["matrix", "evolve", "list"]) expect(help.out).toContain(word);
  expect((await bunnel(["lab", "help", "matrix"])).out).toContain("export default make");
});
