// One child process with a time limit, whose whole family ends with it.
import { spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** How a process ended, and everything it printed. */
export interface ProcessResult {
  /** 0 is success; undefined when a signal ended it. */
  readonly exitCode: number | undefined;
  /** The signal that ended it, also where a shell told it as 128 + number. */
  readonly signal: string | undefined;
  readonly timedOut: boolean;
  readonly output: string;
  readonly elapsedMs: number;
}

/** Leaders of the process groups that run now; ended when this program is told to stop. */
const running = new Set<number>();

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    for (const leader of running) endGroup(leader);
    process.exit(1);
  });
}

/**
 * Runs a command until it ends or `timeoutMs` have passed, then ends what is left of its process group.
 * The output goes through a file: a server that outlived its test could keep a pipe open, and this call waiting.
 */
export async function runProcess(command: readonly string[], cwd: string, timeoutMs: number): Promise<ProcessResult> {
  const folder = mkdtempSync(join(tmpdir(), "bunnel-run-"));
  const outputPath = join(folder, "output");
  const file = openSync(outputPath, "w");
  const started = performance.now();
  try {
    const [program = "", ...args] = command;
    const path = `${join(cwd, "node_modules", ".bin")}:${process.env["PATH"] ?? ""}`;
    const env = { ...process.env, PATH: path };
    const child = spawn(program, args, { cwd, env, detached: true, stdio: ["ignore", file, file] });
    const leader = child.pid;
    if (leader !== undefined) running.add(leader);
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      if (leader !== undefined) endGroup(leader);
    }, timeoutMs);
    const ended = await new Promise<{ code: number | null; signal: string | null }>((resolve, reject) => {
      child.on("error", reject);
      child.on("exit", (code, signal) => resolve({ code, signal }));
    });
    clearTimeout(timer);
    if (leader !== undefined) {
      running.delete(leader);
      endGroup(leader);
    }
    return {
      exitCode: ended.code ?? undefined,
      signal: ended.signal ?? undefined,
      timedOut,
      output: readFileSync(outputPath, "utf8"),
      elapsedMs: performance.now() - started,
    };
  } finally {
    closeSync(file);
    rmSync(folder, { recursive: true, force: true });
  }
}

function endGroup(leader: number): void {
  try {
    process.kill(-leader, "SIGKILL");
  } catch {
    // The group is gone already.
  }
}
