// `bunnel up` as a program that is measured: started, settled, ended.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Child } from "./child.ts";
import type { Namespace } from "./namespace.ts";
import { threadSeconds } from "./processor-time.ts";
import type { Stage } from "./stage.ts";

const MAIN = join(import.meta.dir, "../../apps/bunnel/src/main.ts");

/** One window, and the share of a processor that a settled service uses in it at most. */
const WINDOW_MS = 200;
const SETTLED_SHARE = 0.02;
/** So many windows in a row are quiet: what it does each second lies between. */
const QUIET_WINDOWS = 5;
/** Then it is measured as it is. */
const WINDOWS_MAX = 50;

export class ServiceProcess {
  private constructor(
    readonly child: Child,
    /** From the start of the program until it said that it was up. */
    readonly startMs: number,
  ) {}

  static async start(stage: Stage, namespace: Namespace, profile: string): Promise<ServiceProcess> {
    const begin = Bun.nanoseconds();
    const words = ["--profile", profile, "--state-dir", join(stage.folder, "state"), "--json"];
    const child = stage.spawn([process.execPath, MAIN, "up", ...words], { namespace });
    await child.line();
    return new ServiceProcess(child, (Bun.nanoseconds() - begin) / 1e6);
  }

  /** Waits until what it does by itself has come to rest. */
  async settle(): Promise<void> {
    let quiet = 0;
    let before = this.processorSeconds();
    for (let window = 0; window < WINDOWS_MAX && quiet < QUIET_WINDOWS; window++) {
      await Bun.sleep(WINDOW_MS);
      const now = this.processorSeconds();
      quiet = now - before <= (SETTLED_SHARE * WINDOW_MS) / 1000 ? quiet + 1 : 0;
      before = now;
    }
  }

  /** Processor time of all its threads until now. */
  processorSeconds(): number {
    return threadSeconds(this.child.pid);
  }

  /** Memory that it has resident, or has had at most, in millions of octets; proc(5). */
  memoryMb(name: "VmRSS" | "VmHWM"): number {
    return memoryOf(this.child.pid, name);
  }

  /**
   * Ends it, and makes sure that what it counted is what was measured.
   * @throws Error when it counted less
   */
  async stop(least: number, counter = "replaced"): Promise<void> {
    this.child.signal("SIGTERM");
    const report = JSON.parse(await this.child.line()) as Readonly<Record<string, number>>;
    await this.child.ended();
    const found = report[counter] ?? 0;
    if (found < least) throw new Error(`service: expected ${counter} to be at least ${least}, found ${found}`);
  }
}

/** Memory of a process in millions of octets; proc(5) has it in KiB. */
export function memoryOf(pid: number, name: "VmRSS" | "VmHWM"): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return (Number(new RegExp(`^${name}:\\s+(\\d+)`, "mu").exec(status)?.[1]) * 1024) / 1e6;
}
