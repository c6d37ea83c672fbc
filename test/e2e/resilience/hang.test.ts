// needs root: namespaces, /dev/net/tun, nft, curl, python3
// A thread that hangs, a service that was stopped and goes on, two services at once.
import { expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { METHODS } from "../lab.ts";
import { FAMILIES, Rig } from "./rig.ts";

setDefaultTimeout(240_000);

/** Stops one thread as a debugger does, and holds it to its end: ptrace(2), PTRACE_SEIZE, INTERRUPT. */
const HOLD_THREAD = `
import ctypes, sys
libc = ctypes.CDLL(None, use_errno=True)
for request in (0x4206, 0x4207):
    if libc.ptrace(request, int(sys.argv[1]), None, None) != 0:
        sys.exit("ptrace: errno %d" % ctypes.get_errno())
print("held", flush=True)
# Whoever traces a thread must also take note of its end: __WALL.
while libc.waitpid(int(sys.argv[1]), None, 0x40000000) > 0: pass
`;
/** Longer than a watchdog waits for a lane: see packages/backend/src/watchdog.ts. */
const SUSPENDED_MS = 6_000;

/** The threads that sleep in poll(2) for a second at most: those that carry packets. proc(5), syscall. */
async function laneThreads(pid: number): Promise<number[]> {
  const found: number[] = [];
  for (let tries = 0; tries < 100 && found.length === 0; tries++) {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      const task = `/proc/${pid}/task/${thread}`;
      const isWorker = readFileSync(`${task}/comm`, "utf8").startsWith("Worker");
      if (isWorker && readFileSync(`${task}/syscall`, "utf8").split(" ")[3] === "0x3e8") found.push(Number(thread));
    }
    await Bun.sleep(10);
  }
  return found;
}

/** They mostly wait, so that they may do it beside each other. */
const CASES = METHODS.map((method) => ({ method }));

test.concurrent.each(CASES)(
  "a lane that hangs ends the service, and traffic flows without it: $method",
  async ({ method }) => {
    await using rig = await Rig.open();
    const before = await rig.network();
    const running = await rig.up({ method });
    await rig.expectServed();
    const { pid } = running.service;
    const [lane, ...others] = await laneThreads(pid);
    expect(others).toEqual([]);
    const holder = rig.lab.server.spawn(["python3", "-c", HOLD_THREAD, String(lane)]);
    const { value } = await holder.stdout.getReader().read();
    expect(new TextDecoder().decode(value)).toStartWith("held");
    const ended = running.service.ended();
    // What came up to the hanging thread comes again, and by then the kernel carries it.
    await rig.expectServed();
    const { status, words } = await ended;
    expect(words).toContain("lane 0 hangs");
    expect(status).not.toBe(0);
    expect(await rig.network()).toEqual(before);
  },
);

test.concurrent.each(CASES)("a service that was stopped for a while goes on: $method", async ({ method }) => {
  await using rig = await Rig.open();
  const running = await rig.up({ method });
  await rig.expectServed();
  running.service.suspend(true);
  await Bun.sleep(SUSPENDED_MS);
  running.service.suspend(false);
  await rig.expectServed();
  // Longer than a watchdog that was led astray would take.
  await Bun.sleep(SUSPENDED_MS);
  const { replaced } = await running.status();
  expect(replaced).toBeGreaterThanOrEqual(2 * FAMILIES.length);
  expect((await running.service.stop()).status).toBe(0);
});

test.concurrent("a second service is refused by the state, and by the table where it has another", async () => {
  await using rig = await Rig.open();
  const first = await rig.up({ method: "nft" });
  const running = await rig.network();
  await expect(rig.up({ method: "nft", stateDir: first.stateDir })).rejects.toThrow("another bunnel is up");
  for (const method of METHODS) await expect(rig.up({ method })).rejects.toThrow("another bunnel is running");
  expect(await rig.network()).toEqual(running);
  await rig.expectServed();
  expect((await first.service.stop()).status).toBe(0);
});
