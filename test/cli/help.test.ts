// `bunnel help` is the manual: every command is in it and explains its options.
import { expect, test } from "bun:test";
import { bunnel } from "./run.ts";

const COMMANDS = [
  ...["demo", "up", "proxy", "down", "status", "stats", "rules", "flows", "reload", "doctor", "replay"],
  ...["check", "show", "strategies", "strategy"].map((name) => `profile ${name}`),
];

test("bunnel --help lists every command", async () => {
  const { status, out } = await bunnel(["--help"]);
  expect(status).toBe(0);
  const first = new Set(COMMANDS.map((name) => name.split(" ", 1)[0] ?? ""));
  for (const name of first) expect(out).toMatch(new RegExp(`^  ${name}\\b.* \\S+`, "mu"));
});

test.each(COMMANDS)("bunnel %s --help explains itself", async (name) => {
  const { status, out } = await bunnel([...name.split(" "), "--help"]);
  expect(status).toBe(0);
  expect(out).toContain(`Usage: bunnel ${name}`);
  expect(out).toContain("--json");
});

test("bunnel doctor speaks JSON, and says what is missing without privilege", async () => {
  const { out } = await bunnel(
    ["doctor", "--json"],
    ["unshare", "-n", "setpriv", "--inh-caps=-all", "--bounding-set=-all"],
  );
  const report = JSON.parse(out) as { canRun: boolean; findings: { name: string; state: string }[] };
  expect(report.canRun).toBe(false);
  expect(report.findings.find(({ name }) => name === "privileges")).toMatchObject({ state: "missing" });
});
