// A process with several threads that gives its privileges up, tries what it may still do, and says all of that as one
// line of JSON:  bun drop-subject.ts USER
import { readdirSync, readFileSync, statSync } from "node:fs";
import { RouteNetlink } from "@bunnel/tun-linux";
import { openRawEgress } from "@bunnel/egress";
import { dropPrivileges } from "./drop.ts";
import { findServiceUser } from "./service-user.ts";

const FIELDS = ["Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp"];

function threads(): Record<string, string>[] {
  // The main thread has the process's own number, and the lowest.
  const ids = readdirSync("/proc/self/task").toSorted((a, b) => Number(a) - Number(b));
  return ids.map((id) => {
    const lines = readFileSync(`/proc/self/task/${id}/status`, "utf8").split("\n");
    const fields = lines.map((line) => line.split(":\t"));
    const known = fields.filter(([name = ""]) => FIELDS.includes(name));
    return Object.fromEntries(known.map(([name, value = ""]) => [name, value.trim().replaceAll(/\s+/gu, " ")]));
  });
}

function attempt(act: () => unknown): string {
  try {
    act();
    return "done";
  } catch (error) {
    if (!(error instanceof Error)) return String(error);
    return "code" in error && typeof error.code === "string" && !error.code.startsWith("E_")
      ? error.code
      : (/E[A-Z]{3,}/u.exec(error.message)?.[0] ?? error.message);
  }
}

const worker = new Worker(`data:text/javascript,${encodeURIComponent("onmessage = () => postMessage('answered')")}`);
const ask = (): Promise<string> =>
  new Promise((resolve) => {
    worker.addEventListener("message", ({ data }) => resolve(String(data)), { once: true });
    worker.postMessage("");
  });
await ask();

const report = dropPrivileges(findServiceUser(Bun.argv[2]));
const tried = {
  spawn: attempt(() => Bun.spawnSync(["/bin/true"])),
  shadow: attempt(() => readFileSync("/etc/shadow")),
  rawSocket: attempt(() => openRawEgress({ mark: 1 }).close()),
  becomeRoot: attempt(() => process.setuid?.(0)),
  netlink: attempt(() => {
    using netlink = RouteNetlink.open();
    const rule = { family: 4, priority: 31_999, table: 4321 } as const;
    netlink.addRule(rule);
    netlink.removeRule(rule);
  }),
  worker: await ask(),
  // What belongs to a process that may not be dumped is root's (proc(5)).
  owner: String(statSync("/proc/self/environ").uid),
};
process.stdout.write(`${JSON.stringify({ report, threads: threads(), tried })}\n`);
worker.terminate();
