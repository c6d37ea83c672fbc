import { InvalidArgumentError, type Command } from "commander";
import { askService } from "../control/service.ts";
import type { FlowLine } from "../control/answers.ts";
import { DEFAULT_STATE_DIR, statePaths } from "../service/state-dir.ts";
import { columns, duration, short } from "./columns.ts";

interface FlowsOptions {
  readonly limit: number;
  readonly stateDir: string;
  readonly json?: boolean;
}

interface FlowsAnswer {
  readonly total: number;
  readonly flows: readonly FlowLine[];
}

const HEAD = ["protocol", "source", "destination", "state", "message", "rule", "planned", "packets", "octets", "idle"];

export function register(program: Command): void {
  program
    .command("flows")
    .description("list the flows that came up, those seen last first; status 3 when the service does not run")
    .option("-n, --limit <count>", "at most so many", readCount, 100)
    .option("--state-dir <dir>", "where the service keeps its state", DEFAULT_STATE_DIR)
    .option("--json", "print JSON")
    .action(flows);
}

function readCount(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1) return count;
  throw new InvalidArgumentError("expected a whole number from 1");
}

async function flows({ limit, stateDir, json }: FlowsOptions): Promise<void> {
  const answer = (await askService(statePaths(stateDir).socket, "flows", { limit })) as FlowsAnswer;
  process.stdout.write(json ? `${JSON.stringify(answer)}\n` : flowsText(answer));
}

/** The flows as a table. */
export function flowsText({ total, flows: shown }: FlowsAnswer): string {
  const rows = shown.map((flow) => [
    flow.protocol,
    flow.source,
    flow.destination,
    flow.state,
    flow.message ?? "-",
    flow.rule ?? "-",
    String(flow.planned),
    `${short(flow.packetsOut)}/${short(flow.packetsIn)}`,
    `${short(flow.bytesOut)}/${short(flow.bytesIn)}`,
    duration(flow.idleMs),
  ]);
  const count = `${total} ${total === 1 ? "flow" : "flows"}`;
  if (shown.length === 0) return `${count}\n`;
  const said = shown.length < total ? `${count}, ${shown.length} shown` : count;
  return `${columns([HEAD, ...rows], [6, 7, 8, 9])}${said}\n`;
}
