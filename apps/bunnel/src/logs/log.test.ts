import { describe, expect, test } from "bun:test";
import { formatHuman } from "./format.ts";
import { Log, type LogOptions } from "./log.ts";
import { streamSink } from "./sink.ts";
import { withoutHosts } from "./without-hosts.ts";

const OPTIONS: LogOptions = { level: "debug", format: "json", hosts: false, rateLimit: 100 };

function logOf(options: Partial<LogOptions> = {}) {
  const lines: string[] = [];
  const clock = { nowMs: 1_000_000 };
  const log = new Log(
    { ...OPTIONS, ...options },
    (line) => {
      lines.push(line);
      return true;
    },
    () => clock.nowMs,
  );
  return { log, lines, clock, events: () => lines.map((line) => (JSON.parse(line) as { event: string }).event) };
}

describe("Log", () => {
  test.each([
    ["error", ["a"]],
    ["warning", ["a", "b"]],
    ["info", ["a", "b", "c"]],
    ["debug", ["a", "b", "c", "d"]],
  ] as const)("with level %s says %j", (level, said) => {
    const { log, events } = logOf({ level });
    log.error("a");
    log.warning("b");
    log.info("c");
    log.debug("d");
    expect(events()).toEqual([...said]);
  });

  test("says so many lines in a second, and then how many were left out", () => {
    const { log, lines, clock, events } = logOf({ rateLimit: 2 });
    for (let i = 0; i < 10; i++) log.info("flood");
    expect(lines).toHaveLength(2);
    expect(log.suppressed).toBe(8);
    clock.nowMs += 1000;
    log.info("after");
    expect(events()).toEqual(["flood", "flood", "suppressed", "after"]);
    expect(JSON.parse(lines[2] ?? "")).toMatchObject({ level: "warning", lines: 8 });
    clock.nowMs += 1000;
    log.info("later");
    expect(events().at(-1)).toBe("later");
    expect(lines).toHaveLength(5);
  });

  test("writes lines for people or JSON, and changes with its options", () => {
    const { log, lines } = logOf({ format: "human" });
    log.info("reload", { rules: 3, why: "a file changed", source: undefined });
    log.configure(OPTIONS);
    log.info("reload", { rules: 3 });
    expect(lines).toEqual([
      '1970-01-01T00:16:40.000Z info reload rules=3 why="a file changed"',
      '{"time":"1970-01-01T00:16:40.000Z","level":"info","event":"reload","rules":3}',
    ]);
  });

  test("has no host names unless they were asked for", () => {
    const fields = { error: 'hosts entry 1: found "www.example.org"', deep: [{ host: "example.net" }] };
    const { log, lines } = logOf();
    log.error("reload", fields);
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({
      error: 'hosts entry 1: found "(host)"',
      deep: [{ host: "(host)" }],
    });
    log.configure({ ...OPTIONS, hosts: true });
    log.error("reload", fields);
    expect(JSON.parse(lines[1] ?? "")).toMatchObject(fields);
  });

  test("counts lines for which there is no room", () => {
    const log = new Log(OPTIONS, () => false);
    log.info("a");
    expect(log.suppressed).toBe(1);
  });
});

test("withoutHosts() leaves files, paths, keys and addresses as they are", () => {
  const text = "/etc/bunnel/my.hosts.txt bunnel.toml lists/a.gz device.mtu 203.0.113.9:443 2001:db8::9 1.5 E_PROFILE";
  expect(withoutHosts({ text })).toEqual({ text });
  expect(withoutHosts({ text: "a.example.org, *.example.net =b.example.org." })).toEqual({
    text: "(host), (host) (host).",
  });
});

test("formatHuman() quotes what would not be read back as one word", () => {
  const record = {
    time: "t",
    level: "info",
    event: "e",
    fields: { a: 'x"y', list: ["eth0"], n: 1, path: "/run/a" },
  } as const;
  expect(formatHuman(record)).toBe('t info e a="x\\"y" list="[\\"eth0\\"]" n=1 path=/run/a');
});

test("streamSink() tells the journal of systemd how grave a line is, and drops what nobody reads", () => {
  const written: string[] = [];
  const stream = { writableLength: 0, write: (text: string) => written.push(text) };
  expect(streamSink(stream, true)("a", "error")).toBe(true);
  expect(streamSink(stream, false)("b", "error")).toBe(true);
  expect(written).toEqual(["<3>a\n", "b\n"]);
  expect(streamSink({ ...stream, writableLength: 1 << 20 }, false)("c", "info")).toBe(false);
});
