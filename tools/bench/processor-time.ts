// What programs use of the processors.
import { readdirSync, readFileSync } from "node:fs";

/** Processor seconds of the threads of a process that are there now (Documentation/scheduler/sched-stats.rst). */
export function threadSeconds(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  return threads.reduce((sum, thread) => sum + runSeconds(`${pid}/task/${thread}`), 0);
}

/** What the kernel did for packets in its own threads, where the processors are seen from here. */
export function softirqSeconds(): number {
  softirqThreads ??= readdirSync("/proc").filter(isSoftirqThread);
  return softirqThreads.reduce((sum, pid) => sum + runSeconds(pid), 0);
}

let softirqThreads: readonly string[] | undefined;

function isSoftirqThread(pid: string): boolean {
  if (!/^\d+$/u.test(pid)) return false;
  try {
    return readFileSync(`/proc/${pid}/comm`, "utf8").startsWith("ksoftirqd/");
  } catch {
    return false;
  }
}

/** Of a thread that has ended meanwhile: nothing. */
function runSeconds(thread: string): number {
  try {
    return Number(readFileSync(`/proc/${thread}/schedstat`, "utf8").split(" ", 1)[0]) / 1e9;
  } catch {
    return 0;
  }
}
