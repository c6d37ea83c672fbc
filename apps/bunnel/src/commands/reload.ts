import type { Command } from "commander";
import { ControlError } from "../control/protocol.ts";
import { askService } from "../control/service.ts";
import { reloadText } from "../service/follow.ts";
import type { ReloadReport } from "../service/service.ts";
import { DEFAULT_STATE_DIR, statePaths } from "../service/state-dir.ts";

interface ReloadOptions {
  readonly stateDir: string;
  readonly json?: boolean;
}

export function register(program: Command): void {
  program
    .command("reload")
    .description(
      "read the profile again; a wrong one changes nothing and is said; status 3 when the service does not run",
    )
    .option("--state-dir <dir>", "where the service keeps its state", DEFAULT_STATE_DIR)
    .option("--json", "print JSON, also of a profile that was refused")
    .action(reload);
}

async function reload({ stateDir, json }: ReloadOptions): Promise<void> {
  const { socket } = statePaths(stateDir);
  let report: ReloadReport;
  try {
    report = (await askService(socket, "reload")) as ReloadReport;
  } catch (error) {
    if (!(error instanceof ControlError) || json !== true) throw error;
    process.stdout.write(`${JSON.stringify({ ok: false, code: error.code, error: error.message })}\n`);
    process.exitCode = 1;
    return;
  }
  process.stdout.write(json ? `${JSON.stringify(report)}\n` : `reloaded ${report.source}: ${reloadText(report)}\n`);
}
