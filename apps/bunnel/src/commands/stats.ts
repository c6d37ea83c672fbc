import type { Command } from "commander";
import { watchControl } from "../control/client.ts";
import { askService, notRunning } from "../control/service.ts";
import { DEFAULT_STATE_DIR, statePaths } from "../service/state-dir.ts";
import { statusText, type ServiceStatus } from "./status.ts";

interface StatsOptions {
  readonly stateDir: string;
  readonly watch?: boolean;
  readonly json?: boolean;
}

export function register(program: Command): void {
  program
    .command("stats")
    .description("print every figure of the running service; status 3 when it does not run")
    .option("-w, --watch", "again every second, until it ends")
    .option("--state-dir <dir>", "where the service keeps its state", DEFAULT_STATE_DIR)
    .option("--json", "print JSON, one line each time")
    .action(stats);
}

async function stats({ stateDir, watch, json }: StatsOptions): Promise<void> {
  const { socket } = statePaths(stateDir);
  const print = (data: unknown): void => {
    process.stdout.write(json ? `${JSON.stringify(data)}\n` : `${statusText(data as ServiceStatus)}\n`);
  };
  if (watch !== true) {
    print(await askService(socket, "status"));
    return;
  }
  const events = await watchControl(socket, ["stats"]);
  if (events === undefined) throw notRunning(socket);
  for await (const { data } of events) print(data);
}
