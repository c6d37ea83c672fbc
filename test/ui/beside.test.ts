// needs root: namespaces, /dev/net/tun, nft. `up --ui`: the dashboard comes and goes with the service, and is no part
// of it.
import { expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { run, TempFolder } from "../cli/run.ts";
import { RunningService } from "../cli/running.ts";

setDefaultTimeout(60_000);

/** Programs of this state folder, besides the service. */
async function dashboards(folder: TempFolder): Promise<number[]> {
  const { out } = await run(["pgrep", "-f", `ui --beside --state-dir ${folder.file("state")} `]);
  return out.split("\n").slice(0, -1).map(Number);
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 200 && !(await condition()); tries++) await Bun.sleep(20);
  expect(await condition()).toBe(true);
}

test.each(["SIGTERM", "SIGKILL"] as const)("up --ui starts the dashboard, which ends with it: %s", async (signal) => {
  using folder = new TempFolder();
  await using service = await RunningService.start(folder, ["--ui", "0"]);
  await service.until(() => service.said.length > 1);
  const [up, { url } = {}] = service.said;
  expect(up).toMatchObject({ up: true });
  const page = await service.inside([
    "curl",
    "-s",
    "-o",
    "/dev/null",
    "-w",
    "%{http_code}",
    String(url).split("#", 1)[0] ?? "",
  ]);
  expect(page.out).toBe("200");
  const [pid = 0, ...more] = await dashboards(folder);
  expect(more).toEqual([]);
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  expect(status).toMatch(/^CapPrm:\t0+$/mu);
  expect(status).not.toMatch(/^Uid:\t0\t/mu);
  await service.end(signal);
  await until(async () => (await dashboards(folder)).length === 0);
});

test("a second dashboard is told that the port is taken, and the service goes on", async () => {
  using folder = new TempFolder();
  // In a network of its own the usual port is free.
  await using service = await RunningService.start(folder, ["--ui"]);
  await service.until(() => service.said.length > 1);
  const second = await service.bunnel(["ui"]);
  expect(second).toMatchObject({ status: 1, out: "" });
  expect(second.err).toContain("port 8477 of 127.0.0.1 is taken");
  expect(await service.json(["status"])).toMatchObject({ running: true });
});
