// What the keys do to the running program: one run with the defaults beside one in which all of them are changed.
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { TempFolder } from "../cli/run.ts";
import { RunningService } from "../cli/running.ts";
import type { Effects } from "./effect.ts";

const RULE = '\n[[rule]]\nname = "all"\nstrategy = "tls: split(1) dns: ttl(9)"\n';
/** Flows that are made, more than the changed run may keep. */
const FLOWS = 60;
/** Of them, at least: two sockets may have one port, one behind the other. The changed run may keep a bucket's. */
const FLOWS_MIN = 30;
const USER = "1234";
const PATIENCE_MS = 30_000;
const LATE_MS = 2000;

/** What was seen of a run. */
export interface Seen {
  readonly stats: Readonly<Record<string, unknown>>;
  readonly link: string;
  readonly rules: string;
  readonly table: string;
  readonly nft: string;
  readonly status: string;
  readonly flows: number;
  readonly log: string;
  readonly hasAudit: boolean;
}

/** The sections of the changed run; the file is named by whoever starts it. */
function changed(audit: string, pump: string): string {
  return `
[service]
user = "${USER}"
audit_log = ${JSON.stringify(audit)}
[log]
level = "debug"
format = "json"
log_hosts = true
[interception]
method = "rules"
uplinks = ["up1"]
exclude = ["198.51.100.0/24"]
kill_switch = true
[device]
name = "bunnel7"
mtu = 1400
offload = false
queues = 2
pump = "${pump}"
[limits]
max_flows = 1
[exclude]
users = ["4000-4999"]
`;
}

/** Runs the program with the defaults and with everything changed. */
export async function observeBoth(): Promise<readonly [Seen, Seen]> {
  const before = await observe(() => "");
  // By itself it takes the quicker one, which is not the same on all machines.
  const other = pumpOf(before) === "plain" ? "uring" : "plain";
  return [before, await observe((audit) => changed(audit, other))];
}

function pumpOf({ stats }: Seen): string | undefined {
  return (stats["pumps"] as readonly string[])[0];
}

async function observe(sections: (audit: string) => string): Promise<Seen> {
  using folder = new TempFolder();
  const audit = folder.file("elsewhere.log");
  const path = folder.file("profile.toml");
  writeFileSync(path, sections(audit) + RULE);
  chmodSync(path, 0o644);
  await using service = await RunningService.start(folder, ["--profile", path]);
  const tell = async (...words: readonly string[]) => (await service.inside(words)).out;
  await tell("bash", "-c", `for i in $(seq ${FLOWS}); do echo $i > /dev/udp/192.0.2.53/53; done`);
  await carried(service);
  const stats = service.said[0] ?? {};
  const device = String(stats["device"]);
  const seen = {
    stats,
    link: await tell("ip", "-d", "link", "show", device),
    rules: await tell("ip", "rule"),
    table: await tell("ip", "route", "show", "table", "4000"),
    nft: await tell("nft", "list", "ruleset"),
    status: readFileSync(`/proc/${service.pid}/status`, "utf8"),
    flows: await flowsOf(service),
    hasAudit: existsSync(audit),
  };
  // A mistake with a host name in it, which is told in the log.
  writeFileSync(path, `${sections(audit)}${RULE}ports = ["www.example.org"]\n`);
  await service.bunnel(["reload"]);
  await service.end();
  return { ...seen, log: service.err };
}

/** How many it keeps. What came up beside the datagrams was counted, too: some of them may still be due. */
async function flowsOf(service: RunningService): Promise<number> {
  const end = performance.now() + LATE_MS;
  for (;;) {
    const { total } = (await service.json(["flows"])) as { total: number };
    if (total >= FLOWS_MIN || performance.now() > end) return total;
    await Bun.sleep(10);
  }
}

/** Waits until the program has seen as many packets as datagrams were sent. */
async function carried(service: RunningService): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  for (;;) {
    const { packetsIn } = (await service.json(["stats"])) as { packetsIn: number };
    if (packetsIn >= FLOWS) return;
    if (performance.now() > end) throw new Error(`packets in: expected ${FLOWS}, found ${packetsIn} for long`);
    await Bun.sleep(10);
  }
}

function found(pattern: RegExp): (text: string) => string | undefined {
  return (text) => pattern.exec(text)?.[1];
}

/** Effects in two runs. */
export function liveEffects([before, after]: readonly [Seen, Seen]): Effects {
  const of = (look: (seen: Seen) => unknown) => () => ({ without: look(before), with: look(after) });
  const hasUsers = (seen: Seen) => seen.rules.includes("uidrange 4000-4999");
  return {
    "service.user": of(({ status }) => found(/^Uid:\t(\d+)/mu)(status)),
    "service.audit_log": of(({ hasAudit }) => hasAudit),
    "log.level": of(({ log }) => log.includes("privileged")),
    "log.format": of(({ log }) => log.startsWith("{")),
    "log.log_hosts": of(({ log }) => log.includes("www.example.org")),
    "interception.method": of(({ stats }) => stats["method"]),
    "interception.uplinks": of(({ stats }) => stats["uplinks"]),
    "interception.exclude": of(({ rules }) => rules.includes("to 198.51.100.0/24")),
    "interception.kill_switch": of(({ table }) => table.includes("unreachable default")),
    "device.name": of(({ stats }) => stats["device"]),
    "device.mtu": of(({ link }) => found(/ mtu (\d+)/u)(link)),
    "device.offload": of(({ link }) => found(/vnet_hdr (\w+)/u)(link)),
    "device.queues": of(({ stats }) => (stats["pumps"] as readonly string[]).length),
    "device.pump": of(pumpOf),
    "limits.max_flows": of(({ flows }) => flows >= FLOWS_MIN),
    "exclude.users": of(hasUsers),
  };
}
