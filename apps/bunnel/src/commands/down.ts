import { existsSync } from "node:fs";
import type { Command } from "commander";
import { defaultProfile } from "@bunnel/profile";
import { askControl } from "../control/client.ts";
import { ExitError } from "../service/exit.ts";
import { joinSystem } from "../service/joined.ts";
import { DEFAULT_STATE_DIR, makeStateDir, statePaths } from "../service/state-dir.ts";

const WAIT_MS = 5_000;
const LOOK_EVERY_MS = 50;

interface DownOptions {
  readonly stateDir: string;
  readonly unlessCrashed?: boolean;
  readonly json?: boolean;
}

export function register(program: Command): void {
  program
    .command("down")
    .alias("stop")
    .description("stop the running service, and take away what a killed one left behind")
    .option("--state-dir <dir>", "where the service keeps its state", DEFAULT_STATE_DIR)
    .option("--unless-crashed", "leave a kill switch closed where systemd says that the service did not end well")
    .option("--json", "print JSON")
    .action(down);
}

async function down(options: DownOptions): Promise<void> {
  const paths = statePaths(options.stateDir);
  const wasRunning = (await askControl(paths.socket, "stop")) !== undefined;
  const until = performance.now() + WAIT_MS;
  while (wasRunning && (await askControl(paths.socket, "ping")) !== undefined) {
    if (performance.now() > until) throw new ExitError(`the service did not end within ${WAIT_MS / 1000} s`);
    await Bun.sleep(LOOK_EVERY_MS);
  }
  if (existsSync(paths.dir)) makeStateDir(paths);
  const { platform } = await joinSystem({
    profile: defaultProfile(),
    statePath: paths.state,
    // systemd.exec(5): what systemd says of the service to what runs behind it.
    keepClosed: options.unlessCrashed === true && (process.env["SERVICE_RESULT"] ?? "success") !== "success",
  });
  const { removed } = platform.sweep();
  if (options.json) {
    process.stdout.write(`${JSON.stringify({ wasRunning, removed })}\n`);
    return;
  }
  process.stdout.write(wasRunning ? "bunnel is down\n" : "bunnel was not running\n");
  for (const line of removed) process.stdout.write(`removed ${line}\n`);
}
