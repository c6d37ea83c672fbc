// needs root: namespaces, /dev/net/tun, nft; promtool. The figures of a running service, checked by Prometheus' own
// tool, and the dashboard that shows them.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { bunnel, PROGRAM, TempFolder } from "./run.ts";
import { RunningService } from "./running.ts";

setDefaultTimeout(60_000);

const DASHBOARD = join(import.meta.dirname, "../../docs/grafana/bunnel.json");
const PROFILE = '[[rule]]\nname = "a \\"b\\" \\\\ c"\nstrategy = "dns: fake"\n';

const folder = new TempFolder();
let service: RunningService;
let text: string;

beforeAll(async () => {
  await Bun.write(folder.file("profile.toml"), PROFILE);
  service = await RunningService.start(folder, ["--profile", folder.file("profile.toml")]);
  // To a server that does not answer.
  await service.inside(["dig", "+tries=1", "+timeout=1", "@192.0.2.53", "video.example.org"]);
  text = (await service.bunnel(["metrics"])).out;
});
afterAll(async () => {
  await service?.[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

function valueOf(line: string): number {
  const found = text.split("\n").find((each) => each.startsWith(`${line} `));
  return Number(found?.slice(line.length + 1));
}

/** Every name that is followed by a value. */
function names(exposed: string): Set<string> {
  return new Set(
    exposed
      .split("\n")
      .filter((line) => /^[a-z]/.test(line))
      .map((line) => line.split(/[ {]/, 1)[0] ?? ""),
  );
}

describe("bunnel metrics", () => {
  test("promtool finds nothing to complain about", async () => {
    const child = Bun.spawn(["promtool", "check", "metrics"], {
      stdin: new Blob([text]),
      stdout: "pipe",
      stderr: "pipe",
    });
    const said = (await child.stdout.text()) + (await child.stderr.text());
    expect({ status: await child.exited, said }).toEqual({ status: 0, said: "" });
  });

  test("tells the figures that status tells", async () => {
    const status = (await service.json(["stats"])) as { readonly reasons: Readonly<Record<string, number>> };
    expect(valueOf('bunnel_messages_total{kind="dns"}')).toBe(1);
    expect(valueOf('bunnel_packets_total{verdict="replace",reason="ReplacePlanned"}')).toBe(1);
    expect(status.reasons).toMatchObject({ ReplacePlanned: 1 });
    expect(valueOf('bunnel_packets_total{verdict="drop",reason="DropRule"}')).toBe(0);
    expect(valueOf('bunnel_rule_decided_total{rule="a \\"b\\" \\\\ c"}')).toBe(1);
    expect(valueOf("bunnel_fakes_total")).toBe(1);
    expect(valueOf("bunnel_up")).toBe(1);
  });

  test("top, stats and metrics show the same numbers", async () => {
    const top = (await service.bunnel(["top", "--once"])).out;
    expect(top).toContain(`packets ${valueOf('bunnel_messages_total{kind="dns"}')} (-)`);
    expect(top).toContain("ReplacePlanned 1");
    expect(top).toContain("replaced 1 (-), dropped 0 (-)");
  });

  test("the shipped dashboard asks for nothing that is not there", () => {
    const dashboard = readFileSync(DASHBOARD, "utf8");
    const { panels } = JSON.parse(dashboard) as { panels: { targets?: { expr: string }[] }[] };
    const asked = panels.flatMap(({ targets = [] }) =>
      targets.flatMap(({ expr }) => expr.match(/\bbunnel_[a-z_]+/g) ?? []),
    );
    expect(new Set(asked).size).toBeGreaterThan(10);
    expect([...new Set(asked)].filter((name) => !names(text).has(name))).toEqual([]);
  });

  test("answers scrapes, those of pages not, and says when the service is gone", async () => {
    const words = [...PROGRAM, "metrics"];
    const child = Bun.spawn([...words, "--listen", "127.0.0.1:0", "--state-dir", folder.file("state")], {
      stdout: "pipe",
    });
    const { value } = await child.stdout.getReader().read();
    const url = /http:\S+\/metrics/.exec(new TextDecoder().decode(value))?.[0] ?? "";
    const get = (path: string, headers: Record<string, string> = {}, method = "GET") =>
      fetch(url.replace("/metrics", path), { headers, method });
    const scraped = await get("/metrics");
    expect(scraped.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect(names(await scraped.text())).toEqual(names(text));
    const refused = [
      await get("/metrics", { origin: "http://example.org" }),
      await get("/metrics", { "sec-fetch-site": "same-origin" }),
      await get("/metrics", {}, "POST"),
      await get("/"),
    ];
    expect(refused.map(({ status }) => status)).toEqual([403, 403, 405, 404]);
    expect(await service.end()).toBe(0);
    expect(await (await get("/metrics")).text()).toContain("\nbunnel_up 0\n");
    child.kill("SIGTERM");
    expect(await child.exited).toBe(0);
  });

  test("without a service: status 3; with a wrong address: 2", async () => {
    expect(await bunnel(["metrics", "--state-dir", folder.file("nobody")])).toMatchObject({ status: 3, out: "" });
    expect(await bunnel(["metrics", "--listen", "nowhere"])).toMatchObject({ status: 2, out: "" });
  });
});
