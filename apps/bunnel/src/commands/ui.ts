// bunnel ui: the dashboard, a process of its own without privilege beside the service.
import { statSync } from "node:fs";
import { InvalidArgumentError, Option, type Command } from "commander";
import { serviceUser } from "../privileges/service-user.ts";
import { ExitError } from "../service/exit.ts";
import { DEFAULT_STATE_DIR, statePaths } from "../service/state-dir.ts";
import { waitForService } from "../ui/beside.ts";

interface UiOptions {
  readonly port: number;
  readonly stateDir: string;
  readonly json?: boolean;
  /** Started by `up --ui`. */
  readonly beside?: boolean;
}

const DEFAULT_PORT = 8477;
const PORT_MAX = 65_535;

export function register(program: Command): void {
  program
    .command("ui")
    .description("serve the dashboard on this machine's loopback and print its address, which holds the key to it")
    .option("--port <number>", "port of 127.0.0.1; 0: any that is free", readPort, DEFAULT_PORT)
    .option("--state-dir <dir>", "where the service keeps its state", DEFAULT_STATE_DIR)
    .option("--json", "print one JSON line with the address")
    .addOption(new Option("--beside", "wait for the service that started it").hideHelp())
    .action(ui);
}

/** A port of the dashboard's. @throws InvalidArgumentError */
export function readPort(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= PORT_MAX) return port;
  throw new InvalidArgumentError(`expected 0 to ${PORT_MAX}`);
}

async function ui({ port, stateDir, json, beside }: UiOptions): Promise<void> {
  const { Dashboard, loadDashboard } = await import("../ui/server.ts");
  const { ProfileEditor } = await import("../ui/profile-editor.ts");
  const { socket } = statePaths(stateDir);
  const stop = Promise.withResolvers<void>();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, stop.resolve);
  const parts = await loadDashboard();
  if (beside === true && !(await waitForService(stop.resolve))) return;
  // The right to write the profile is taken along; every other one is given up.
  const editor = await ProfileEditor.open(socket);
  becomeOwnerOf(socket);
  await using dashboard = listening(() => new Dashboard(socket, port, editor, parts), port);
  const text = json === true ? JSON.stringify({ url: dashboard.url }) : `dashboard at ${dashboard.url}\nCtrl-C ends it`;
  process.stdout.write(`${text}\n`);
  await stop.promise;
}

/** @throws ExitError when the port is taken */
function listening<Opened>(open: () => Opened, port: number): Opened {
  try {
    return open();
  } catch (cause) {
    if (!(cause instanceof Error && "code" in cause && cause.code === "EADDRINUSE")) throw cause;
    throw new ExitError(`dashboard: port ${port} of 127.0.0.1 is taken, name another with --port`, 1, { cause });
  }
}

/** Root becomes who the service is, or would be; whoever else it is stays that. */
function becomeOwnerOf(socket: string): void {
  const owner = ownerOf(socket);
  if (process.geteuid?.() !== 0) return;
  const user = owner ?? serviceUser();
  if (user === undefined || user.uid === 0) return;
  process.setgroups?.([]);
  process.setgid?.(user.gid);
  process.setuid?.(user.uid);
}

function ownerOf(path: string): { readonly uid: number; readonly gid: number } | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  return found && { uid: found.uid, gid: found.gid };
}
