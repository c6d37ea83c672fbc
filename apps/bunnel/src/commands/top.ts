// bunnel top: the running service at a glance, drawn again every second.
import { InvalidArgumentError, type Command } from "commander";
import { watchControl } from "../control/client.ts";
import { askService, notRunning } from "../control/service.ts";
import type { FlowLine, RuleLine } from "../control/answers.ts";
import { DEFAULT_STATE_DIR, statePaths } from "../service/state-dir.ts";
import { columns, duration, short } from "./columns.ts";
import type { ServiceStatus } from "./status.ts";

interface TopOptions {
  readonly flows: number;
  readonly once?: boolean;
  readonly json?: boolean;
  readonly stateDir: string;
}

/** What one drawing shows. */
export interface Glance {
  readonly status: ServiceStatus;
  /** The status before; undefined at the first drawing: then there are no rates. */
  readonly before: ServiceStatus | undefined;
  readonly rules: readonly RuleLine[];
  readonly flows: readonly FlowLine[];
}

// ECMA-48: the other screen, without a cursor; the place at the top; what is left of a line, and of the screen.
const ENTER = "\u001B[?1049h\u001B[?25l";
const LEAVE = "\u001B[?25h\u001B[?1049l";
const HOME = "\u001B[H";
const CLEAR_LINE = "\u001B[K";
const CLEAR_BELOW = "\u001B[J";
/** Ctrl-C, when the terminal gives each key as it is. */
const INTERRUPT = "\u0003";

export function register(program: Command): void {
  program
    .command("top")
    .description("show the running service and draw it again every second; q ends it, status 3 when it does not run")
    .option("-n, --flows <count>", "flows that are shown", readCount, 10)
    .option("--once", "draw it once; so it is also where standard output is no terminal")
    .option("--state-dir <dir>", "where the service keeps its state", DEFAULT_STATE_DIR)
    .option("--json", "print JSON, one line each time, in the place of a drawing")
    .action(top);
}

function readCount(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= 1000) return count;
  throw new InvalidArgumentError("expected a whole number from 1 to 1000");
}

async function top({ flows, once, json, stateDir }: TopOptions): Promise<void> {
  const { socket } = statePaths(stateDir);
  const asText = (seen: Glance): string => `${json ? jsonOf(seen) : draw(seen).join("\n")}\n`;
  if (once === true || !process.stdout.isTTY) {
    const status = (await askService(socket, "status")) as ServiceStatus;
    process.stdout.write(asText(await glance(socket, status, undefined, flows)));
    return;
  }
  const events = await watchControl(socket, ["stats"]);
  if (events === undefined) throw notRunning(socket);
  using _screen = json === true ? undefined : enterScreen(() => void events.return());
  let before: ServiceStatus | undefined;
  for await (const { data } of events) {
    const status = data as ServiceStatus;
    const seen = await glance(socket, status, before, flows);
    if (json === true) process.stdout.write(asText(seen));
    else show(draw(seen));
    before = status;
  }
}

function jsonOf({ status, rules, flows }: Glance): string {
  return JSON.stringify({ status, rules, flows });
}

async function glance(socket: string, status: ServiceStatus, before: ServiceStatus | undefined, count: number) {
  const rules = (await askService(socket, "rules")) as readonly RuleLine[];
  const { flows } = (await askService(socket, "flows", { limit: count })) as { readonly flows: readonly FlowLine[] };
  return { status, before, rules, flows };
}

/** Everything as lines; what does not fit is cut by who shows them. */
export function draw({ status, before, rules, flows }: Glance): string[] {
  const seconds = before === undefined ? 0 : (status.uptimeMs - before.uptimeMs) / 1000;
  const rate = (name: "packetsIn" | "bytesIn" | "replaced" | "dropped"): string => {
    if (before === undefined || seconds <= 0) return "-";
    return `${short((status[name] - before[name]) / seconds)}/s`;
  };
  const reasons = Object.entries(status.reasons).toSorted(([, a], [, b]) => b - a);
  const ruleRows = rules.map(({ name, enabled, decided, flows: held, strategy }) => {
    return [name, enabled ? "on" : "off", short(decided), short(held), strategy];
  });
  const flowRows = flows.map((flow) => [
    `${flow.protocol} ${flow.source} > ${flow.destination}`,
    flow.message ?? "-",
    flow.rule ?? "-",
    String(flow.planned),
    duration(flow.idleMs),
  ]);
  return [
    `bunnel on ${status.device}, ${status.method} on ${status.uplinks.join(", ")}, up ${duration(status.uptimeMs)}`,
    [
      `packets ${short(status.packetsIn)} (${rate("packetsIn")})`,
      `octets ${short(status.bytesIn)} (${rate("bytesIn")})`,
      `replaced ${short(status.replaced)} (${rate("replaced")})`,
      `dropped ${short(status.dropped)} (${rate("dropped")})`,
      `flows ${short(status.flows)}`,
    ].join(", "),
    reasons.map(([reason, count]) => `${reason} ${short(count)}`).join("  ") || "nothing has come up yet",
    "",
    ...lines([["RULE", "", "DECIDED", "FLOWS", "STRATEGY"], ...ruleRows], [2, 3]),
    "",
    ...lines([["FLOW", "MESSAGE", "RULE", "PLANNED", "IDLE"], ...flowRows], [3, 4]),
  ];
}

function lines(rows: readonly (readonly string[])[], right: readonly number[]): string[] {
  return columns(rows, right).trimEnd().split("\n");
}

function show(drawn: readonly string[]): void {
  const { columns: width, rows: height } = process.stdout;
  const fitting = drawn.slice(0, Math.max(height - 1, 1)).map((line) => line.slice(0, width) + CLEAR_LINE);
  process.stdout.write(`${HOME}${fitting.join("\r\n")}${CLEAR_BELOW}`);
}

/** The terminal as it was comes back with the end, whatever brings it. */
function enterScreen(end: () => void): Disposable {
  const { stdin, stdout } = process;
  const onKey = (key: Buffer): void => {
    if (["q", "Q", INTERRUPT].includes(key.toString())) end();
  };
  stdout.write(ENTER);
  if (stdin.isTTY) {
    stdin.setRawMode(true);
    stdin.on("data", onKey);
    stdin.resume();
  }
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) process.once(signal, end);
  return {
    [Symbol.dispose]() {
      for (const signal of signals) process.off(signal, end);
      if (stdin.isTTY) {
        stdin.off("data", onKey);
        stdin.setRawMode(false);
        stdin.pause();
      }
      stdout.write(LEAVE);
    },
  };
}
