// The dashboard of `up --ui`: a process beside the service, started while that may still start one. It waits for a line
// on its standard input, and ends with it, however the service ends.
import { selfCommand } from "../demo/self.ts";

/** What the dashboard is told when the service is up. */
const GO = "go\n";

export interface DashboardBeside extends Disposable {
  /** The service is up: now the dashboard prints its address. */
  go(): void;
}

/** Starts it; nothing is printed before `go`. @param port undefined: its own default */
export function startBeside(stateDir: string, port: number | undefined, json: boolean): DashboardBeside {
  const words = ["ui", "--beside", "--state-dir", stateDir, ...(json ? ["--json"] : [])];
  const child = Bun.spawn([...selfCommand(), ...words, ...(port === undefined ? [] : ["--port", String(port)])], {
    stdin: "pipe",
    stdout: "inherit",
    stderr: "inherit",
  });
  child.unref();
  return {
    go: () =>
      void tell(async () => {
        await child.stdin.write(GO);
        await child.stdin.flush();
      }),
    [Symbol.dispose]: () => void tell(async () => void (await child.stdin.end())),
  };
}

/** A dashboard that has ended has said why by itself; the service goes on. */
async function tell(say: () => Promise<void>): Promise<void> {
  try {
    await say();
  } catch {
    // Nobody reads any more.
  }
}

/** The dashboard's side: settles when the service is up; `ended` when it is gone. */
export function waitForService(ended: () => void): Promise<boolean> {
  const up = Promise.withResolvers<boolean>();
  process.stdin.once("data", () => up.resolve(true));
  process.stdin.once("end", () => {
    up.resolve(false);
    ended();
  });
  process.stdin.resume();
  return up.promise;
}
