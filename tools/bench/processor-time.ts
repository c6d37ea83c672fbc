// What programs use of the processors, and waiting until one has used some, not until time has passed.
import { readdirSync, readFileSync } from "node:fs";

/** proc(5): clock ticks of a second, and where user and system time stand behind the command's closing bracket. */
const TICKS = 100;
const USER = 11;
const SYSTEM = 12;
const LOOK_MS = 20;
/** Longer than any program needs that works at all. */
const LIMIT_MS = 60_000;

/** Seconds of processor time, user and system, of all threads of a process since it was started. */
export function processorSeconds(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[USER]) + Number(fields[SYSTEM])) / TICKS;
}

/** Waits until the process has used so much more. @throws Error when it does not within a minute */
export async function spend(pid: number, seconds: number): Promise<void> {
  const target = processorSeconds(pid) + seconds;
  for (let waited = 0; waited < LIMIT_MS; waited += LOOK_MS) {
    if (processorSeconds(pid) >= target) return;
    await Bun.sleep(LOOK_MS);
  }
  throw new Error(`process ${pid}: expected ${seconds} s of processor time within ${LIMIT_MS / 1000} s, found less`);
}

/** The same in nanoseconds' steps, of the threads that are there now (Documentation/scheduler/sched-stats.rst). */
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
