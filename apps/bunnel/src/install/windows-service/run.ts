// What the service manager of Windows starts (services are programs that speak with it, unlike daemons elsewhere):
//   1. a thread tells the manager that this is the service, and is held by it
//   2. the manager says begin: the carrying program is started as a child, its standard error in a file
//   3. its first line on standard output says that it is up: the manager hears "running"
//   4. the manager says stop: the child is asked by its control pipe, and ended where it does not answer
//   5. the child has ended, of itself or so: the manager hears its status, and starts anew what has failed
import { closeSync, mkdirSync, openSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { askControl } from "../../control/client.ts";
import { ExitError } from "../../service/exit.ts";
import type { DispatcherOrder } from "./dispatcher.worker.ts";
import { ServiceCalls, ServiceState } from "./sys.ts";

export interface WindowsService {
  readonly name: string;
  /** The program that carries traffic, with its words. It says a line on standard output when it is up. */
  readonly command: readonly string[];
  /** Where it listens for `stop`. */
  readonly controlPath: string;
  /** Where its standard error goes. */
  readonly logPath: string;
}

/** How long the manager may wait for a start or an end (SERVICE_STATUS, dwWaitHint). */
const WAIT_HINT_MS = 60_000;
/** A child that was asked to end may take so long. */
const END_MS = 15_000;
/** A log that is longer is put aside at a start, in the place of the one before it. */
const LOG_MAX_BYTES = 8 * 1024 * 1024;
const FAILED = 1;

/**
 * Runs the service until the manager has it stopped or its program has ended, and returns the program's status.
 * @throws ExitError when no service manager started this process
 */
export async function runWindowsService(service: WindowsService): Promise<number> {
  const begun = Promise.withResolvers<void>();
  const stopped = Promise.withResolvers<void>();
  const calls = new ServiceCalls(service.name, begun.resolve, stopped.resolve);
  const thread = new Worker(new URL("./dispatcher.worker.ts", import.meta.url).href);
  const refused = new Promise<never>((_, reject) => {
    const why = "service run: expected the service manager of Windows to start it, found no manager";
    thread.addEventListener("message", ({ data }: MessageEvent<boolean>) => {
      if (!data) reject(new ExitError(why));
    });
    thread.addEventListener("error", ({ message }) => reject(new ExitError(`service run: ${message}`)));
  });
  thread.postMessage({ name: service.name, main: calls.main } satisfies DispatcherOrder);
  try {
    await Promise.race([begun.promise, refused]);
  } catch (error) {
    thread.terminate();
    calls.close();
    throw error;
  }
  calls.tell(ServiceState.StartPending, 0, WAIT_HINT_MS);
  let status = FAILED;
  try {
    status = await carry(service, calls, stopped.promise);
    return status;
  } finally {
    calls.tell(ServiceState.Stopped, status);
  }
}

async function carry(service: WindowsService, calls: ServiceCalls, stopped: Promise<void>): Promise<number> {
  // Whoever carries traffic there was left behind by a service that was killed.
  await askControl(service.controlPath, "stop").catch(() => undefined);
  const log = openLog(service.logPath);
  try {
    const child = Bun.spawn([...service.command], { stdin: "ignore", stdout: "pipe", stderr: log });
    const isAsked = stopped.then(() => true);
    void tellWhenUp(child.stdout, calls);
    if (!(await Promise.race([child.exited.then(() => false), isAsked]))) return child.exited;
    calls.tell(ServiceState.StopPending, 0, WAIT_HINT_MS);
    const answered = await askControl(service.controlPath, "stop").catch(() => undefined);
    const kill = setTimeout(() => child.kill(), answered === undefined ? 0 : END_MS);
    await child.exited;
    clearTimeout(kill);
    // It was asked to end: whatever it says of that, it has not failed.
    return 0;
  } finally {
    closeSync(log);
  }
}

async function tellWhenUp(said: ReadableStream<Uint8Array>, calls: ServiceCalls): Promise<void> {
  let isUp = false;
  for await (const chunk of said) {
    if (isUp || !chunk.includes(LINE_FEED)) continue;
    isUp = true;
    calls.tell(ServiceState.Running);
  }
}

const LINE_FEED = 0x0a;

function openLog(path: string): number {
  mkdirSync(dirname(path), { recursive: true });
  const bytes = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (bytes > LOG_MAX_BYTES) {
    rmSync(`${path}.1`, { force: true });
    renameSync(path, `${path}.1`);
  }
  return openSync(path, "a");
}
