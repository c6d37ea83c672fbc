import type { Command } from "commander";
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
    .option("--json", "print JSON")
    .action(reload);
}

async function reload({ stateDir, json }: ReloadOptions): Promise<void> {
  const report = (await askService(statePaths(stateDir).socket, "reload")) as ReloadReport;
  process.stdout.write(json ? `${JSON.stringify(report)}\n` : `reloaded ${report.source}: ${reloadText(report)}\n`);
}
