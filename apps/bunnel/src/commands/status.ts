import type { Command } from "commander";
import { askControl } from "../control/client.ts";
import { NOT_RUNNING_STATUS } from "../control/service.ts";
import type { Service } from "../service/service.ts";
import { DEFAULT_STATE_DIR, statePaths } from "../service/state-dir.ts";
import { dnsRows } from "../dns/dns-rows.ts";
import { memoryRows } from "../memory/memory-rows.ts";
import { duration } from "./columns.ts";

export type ServiceStatus = ReturnType<Service["status"]>;

interface StatusOptions {
  readonly stateDir: string;
  readonly json?: boolean;
}

export function register(program: Command): void {
  program
    .command("status")
    .description("say whether the service runs and what it has done; status 3 when it does not run")
    .option("--state-dir <dir>", "where the service keeps its state", DEFAULT_STATE_DIR)
    .option("--json", "print JSON")
    .action(status);
}

async function status(options: StatusOptions): Promise<void> {
  const stats = (await askControl(statePaths(options.stateDir).socket, "status")) as ServiceStatus | undefined;
  if (stats === undefined) process.exitCode = NOT_RUNNING_STATUS;
  if (options.json) process.stdout.write(`${JSON.stringify({ running: stats !== undefined, ...stats })}\n`);
  else process.stdout.write(stats === undefined ? "bunnel is not running\n" : statusText(stats));
}

function profileText({ profile, rules, reloads }: ServiceStatus): string {
  const refused = reloads.refused === 0 ? "" : `, ${reloads.refused} refused`;
  return `${profile}, ${rules} ${rules === 1 ? "rule" : "rules"}, ${reloads.done} times reloaded${refused}`;
}

function messagesText(stats: ServiceStatus): string {
  const { messagesTls, messagesHttp, messagesQuic, messagesDns, messagesSyn } = stats;
  return `${messagesTls} TLS, ${messagesHttp} HTTP, ${messagesQuic} QUIC, ${messagesDns} DNS, ${messagesSyn} SYN`;
}

/** The figures as a small table. */
export function statusText(stats: ServiceStatus): string {
  const rows: [string, string][] = [
    ["device", stats.device],
    ["method", `${stats.method} on ${stats.uplinks.join(", ")}`],
    ["running for", `${duration(stats.uptimeMs)}, process ${stats.pid}`],
    ["profile", profileText(stats)],
    ["packets looked at", String(stats.packetsIn)],
    ["  passed", String(stats.passed)],
    ["  replaced", `${stats.replaced} (${stats.pieces} pieces, ${stats.fakes} fakes)`],
    ["  held", String(stats.held)],
    ["  dropped", String(stats.dropped)],
    ["sent", sentText(stats)],
    ["messages", messagesText(stats)],
    ["flows", `${stats.flows} of ${stats.flowsInserted} seen`],
    ...dnsRows(stats),
    ...memoryRows(stats.memory),
  ];
  for (const [reason, packets] of Object.entries(stats.reasons)) rows.push([`  ${reason}`, String(packets)]);
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}\n`).join("");
}

/** What the way out made of packets; resets and ICMP errors that nobody will say again are told apart. */
function sentText({ egressSent, egressRefused, queueDropped, answersDropped }: ServiceStatus): string {
  const answers = answersDropped === 0 ? "" : `, ${answersDropped} of them resets or ICMP errors`;
  const lost = queueDropped + answersDropped;
  return `${egressSent} (${egressRefused} refused by the system, ${lost} without room${answers})`;
}
