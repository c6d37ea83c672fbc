// needs root: namespaces, and a cgroup of its own.
// `bunnel service` with a real systemd that is the first process of a machine of its own.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { PROGRAM } from "../cli/run.ts";
import { reasonAgainst, SystemdMachine } from "./systemd-machine.ts";

setDefaultTimeout(240_000);

/** systemd-analyze(1): 0 is none, 10 is all. It was 2.3 with systemd 252. */
const EXPOSURE_MAX = 2.5;
const reason = reasonAgainst();

if (reason === undefined) describe("bunnel service under systemd", provesIt);
else test(`no systemd can be started here: ${reason}`, () => expect(reasonAgainst()).toBe(reason));

function provesIt(): void {
  let machine: SystemdMachine;
  beforeAll(async () => {
    machine = await SystemdMachine.start();
  });
  afterAll(() => machine?.[Symbol.asyncDispose]());

  const bunnel = (...words: readonly string[]) => machine.run(...PROGRAM, ...words);
  const property = (name: string): string =>
    machine.run("systemctl", "show", "bunnel.service", "--value", "--property", name).text.trim();

  /** What of ours lies in the machine's network. */
  const traces = (): string =>
    ["nft list tables", "ip rule", "ip -6 rule", "ip link", "ls -A /run/bunnel /etc/systemd/system"]
      .map((words) => machine.run(...words.split(" ")).text)
      .join("\n");

  test("install writes the unit, and it carries traffic when the command has ended", () => {
    expect(bunnel("service", "install")).toEqual({
      status: 0,
      text: "installed /etc/systemd/system/bunnel.service, and started\n",
    });
    expect(property("ActiveState")).toBe("active");
    expect(property("StatusText")).toBe("carries traffic by uplink");
    const { status, text } = bunnel("service", "status");
    expect(status).toBe(0);
    expect(text).toContain("Active: active (running)");
    // It runs as somebody who exists as long as it does, with CAP_NET_ADMIN alone.
    const uid = machine.run("stat", "-c", "%u", `/proc/${property("MainPID")}`).text.trim();
    expect(Number(uid)).toBeGreaterThan(60_000);
    expect(machine.run("grep", "CapEff", `/proc/${property("MainPID")}/status`).text).toMatch(/:\s*0000000000001000$/m);
  });

  test("it answers, and systemd reloads it", () => {
    expect(bunnel("status", "--state-dir", "/run/bunnel").text).toContain("nft on uplink");
    expect(machine.run("systemctl", "reload", "bunnel").status).toBe(0);
    const { status, text } = bunnel("service", "logs");
    expect(status).toBe(0);
    expect(text).toContain("info start device=bunnel0");
    expect(text).toContain("info reload");
  });

  test("systemd-analyze finds little that it is exposed to", () => {
    const { text } = machine.run("systemd-analyze", "security", "--no-pager", "bunnel.service");
    const exposure = Number(/Overall exposure level for bunnel.service: ([\d.]+)/.exec(text)?.[1]);
    console.log(`systemd-analyze security: ${exposure}`);
    expect(exposure).toBeLessThanOrEqual(EXPOSURE_MAX);
  });

  test("what is killed starts anew, and what the killed one left is taken away", async () => {
    const before = property("MainPID");
    // 0 would be everybody.
    expect(Number(before)).toBeGreaterThan(1);
    machine.run("kill", "-KILL", before);
    while (property("NRestarts") !== "1" || property("ActiveState") !== "active") await Bun.sleep(200);
    expect(property("MainPID")).not.toBe(before);
    expect(machine.run("ip", "rule").text.match(/fwmark/g)).toHaveLength(1);
  });

  test("what hangs is ended by the watchdog, and starts anew", async () => {
    const unit = "/etc/systemd/system/bunnel.service.d";
    // The unit's own patience is 20 s; this one is longer than a busy machine makes anybody wait.
    const words = `mkdir -p ${unit} && printf '[Service]\\nWatchdogSec=6\\n' > ${unit}/patience.conf`;
    expect(machine.run("sh", "-ec", `${words} && systemctl daemon-reload && systemctl restart bunnel`).status).toBe(0);
    const before = property("MainPID");
    expect(Number(before)).toBeGreaterThan(1);
    // Nobody else ends a process that stands still.
    machine.run("kill", "-STOP", before);
    while (property("NRestarts") === "0" || property("ActiveState") !== "active") await Bun.sleep(200);
    expect(property("MainPID")).not.toBe(before);
    expect(machine.run("ip", "rule").text.match(/fwmark/g)).toHaveLength(1);
    expect(machine.run("sh", "-ec", `rm -r ${unit} && systemctl daemon-reload`).status).toBe(0);
  });

  test("remove stops it, and leaves nothing", () => {
    expect(bunnel("service", "remove")).toEqual({ status: 0, text: "stopped and removed\n" });
    expect(traces()).not.toMatch(/bunnel0|fwmark|bunnel\.service|table/);
    expect(bunnel("service", "remove").status).toBe(1);
  });
}
