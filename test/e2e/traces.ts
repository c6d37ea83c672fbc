// What a program could leave behind on the machine: processes, namespaces, interfaces, files.
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { run } from "../cli/run.ts";

const TRIES_MAX = 200;
const TRY_EVERY_MS = 50;
const TEMP = "/run/temp";

/** Gives the room an empty /run and interfaces of its own, says so and stays. */
const ROOM_SCRIPT = `mount -t tmpfs tmpfs /run; mkdir ${TEMP}; ip link set lo up; echo open; exec sleep 600`;

/** A place of its own to run a program in, where nothing else of this machine comes or goes. */
export class Room implements AsyncDisposable {
  private constructor(private readonly holder: Bun.Subprocess) {}

  static async open(): Promise<Room> {
    const holder = Bun.spawn(["unshare", "--mount", "--net", "sh", "-ec", ROOM_SCRIPT], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const { value } = await holder.stdout.getReader().read();
    if (new TextDecoder().decode(value) !== "open\n") throw new Error("the room did not open");
    return new Room(holder);
  }

  /** The words that run a command in it, with its folder for temporary files. They keep its process id. */
  inside(...command: readonly string[]): string[] {
    return ["nsenter", "--target", String(this.holder.pid), "--mount", "--net", "env", `TMPDIR=${TEMP}`, ...command];
  }

  /** What is there outside of all processes: interfaces, named namespaces, files. */
  async traces(): Promise<string> {
    const { out, err } = await run(this.inside("sh", "-ec", "ip -brief link; ip netns list; find /run"));
    return out + err;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.holder.kill("SIGKILL");
    await this.holder.exited;
  }
}

/** The process and all that descend from it. */
export function family(pid: number): readonly number[] {
  const children = allProcesses().filter((other) => parentOf(other) === pid);
  return [pid, ...children.flatMap(family)];
}

/** The network namespaces of these processes, as the kernel names them: "net:[4026532001]". */
export function namespacesOf(pids: readonly number[]): ReadonlySet<string> {
  return new Set(pids.map(namespaceOf).filter((name) => name !== undefined));
}

/** Waits until none of the processes lives any more; returns those that still do in the end. */
export async function survivors(pids: readonly number[]): Promise<readonly number[]> {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    if (!pids.some(isAlive)) return [];
    await Bun.sleep(TRY_EVERY_MS);
  }
  return pids.filter(isAlive);
}

/**
 * Processes of this machine that are in one of the namespaces and stay: one that was just being started when its parent
 * was killed ends by its own time limit.
 */
export async function processesIn(namespaces: ReadonlySet<string>): Promise<readonly number[]> {
  const inside = (): readonly number[] => allProcesses().filter((pid) => namespaces.has(namespaceOf(pid) ?? ""));
  for (let tries = 0; tries < TRIES_MAX && inside().length > 0; tries++) await Bun.sleep(TRY_EVERY_MS);
  return inside();
}

function allProcesses(): readonly number[] {
  return readdirSync("/proc").map(Number).filter(Number.isInteger);
}

/** Neither gone nor waiting for its parent to read its status (proc(5), state Z). */
function isAlive(pid: number): boolean {
  const state = statOf(pid)?.[0];
  return state !== undefined && state !== "Z" && state !== "X";
}

function parentOf(pid: number): number | undefined {
  return Number(statOf(pid)?.[1]);
}

/** What stands behind the name in parentheses: state, parent… */
function statOf(pid: number): readonly string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    return text.slice(text.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined;
  }
}

function namespaceOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return undefined;
  }
}
