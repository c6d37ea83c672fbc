// needs root
import { describe, expect, test } from "bun:test";
import { readlinkSync } from "node:fs";
import { ip } from "../test/witness.ts";
import { NetworkNamespace } from "./namespace.ts";

const own = () => readlinkSync("/proc/thread-self/ns/net");

describe("NetworkNamespace", () => {
  test("create() makes one with its loopback up, and leaves the thread where it was", () => {
    const before = own();
    using namespace = NetworkNamespace.create();
    expect(own()).toBe(before);
    expect(namespace.run(own)).not.toBe(before);
    const [lo, ...others] = ip(namespace, "addr");
    expect(others).toEqual([]);
    expect(lo?.["flags"]).toContain("UP");
  });

  test("processes that are started inside stay inside, also those that go on after run()", async () => {
    using namespace = NetworkNamespace.create();
    const inside = namespace.run(own);
    const command = ["sh", "-c", "read line; readlink /proc/self/ns/net"];
    const processes = Array.from({ length: 20 }, () =>
      namespace.run(() => Bun.spawn(command, { stdin: "pipe", stdout: "pipe" })),
    );
    const outputs = processes.map(async ({ stdin, stdout }) => {
      await stdin.write("go\n");
      await stdin.end();
      return (await new Response(stdout).text()).trim();
    });
    expect(new Set(await Promise.all(outputs))).toEqual(new Set([inside]));
  });

  test("run() comes back after an error, and out of another run()", () => {
    const before = own();
    using outer = NetworkNamespace.create();
    using inner = NetworkNamespace.create();
    const names = outer.run(() => [own(), inner.run(own), own()]);
    expect(names).toEqual([outer.run(own), inner.run(own), outer.run(own)]);
    expect(new Set(names).size).toBe(2);
    expect(() =>
      outer.run(() => {
        throw new Error("inside");
      }),
    ).toThrow("inside");
    expect(own()).toBe(before);
  });

  test("run() refuses asynchronous work", () => {
    using namespace = NetworkNamespace.create();
    expect(() => namespace.run(() => Promise.resolve(1))).toThrow("expected a synchronous function");
  });

  test("path names it for other programs", () => {
    using namespace = NetworkNamespace.create();
    const { stdout } = Bun.spawnSync(["nsenter", `--net=${namespace.path}`, "readlink", "/proc/self/ns/net"]);
    expect(stdout.toString().trim()).toBe(namespace.run(own));
  });

  test("close() lets it end; a second call does nothing, run() then says E_DEVICE_STATE", () => {
    const namespace = NetworkNamespace.create();
    namespace.close();
    namespace.close();
    expect(() => namespace.run(own)).toThrow("expected open, found closed");
  });
});

describe("dieWithParent()", () => {
  test("ends a process whose parent was killed", async () => {
    const module = new URL("./namespace.ts", import.meta.url).pathname;
    const child = `import { dieWithParent } from "${module}";
      dieWithParent();
      console.log(process.pid);
      setInterval(() => {}, 1000);`;
    const parent = `
      const child = Bun.spawn([process.execPath, "-e", process.env.CHILD], { stdout: "pipe", env: process.env });
      const reader = child.stdout.getReader();
      console.log(new TextDecoder().decode((await reader.read()).value).trim());
      process.kill(process.pid, "SIGKILL");`;
    const { stdout } = Bun.spawnSync([process.execPath, "-e", parent], { env: { ...process.env, CHILD: child } });
    const pid = Number(stdout.toString().trim());
    expect(pid).toBeGreaterThan(1);
    for (let i = 0; i < 100 && isRunning(pid); i++) await Bun.sleep(20);
    expect(isRunning(pid)).toBe(false);
  });
});

/** A process that ended and that nobody has asked for yet is a zombie, which does not run. */
function isRunning(pid: number): boolean {
  const { stdout } = Bun.spawnSync(["cat", `/proc/${pid}/stat`], { stderr: "ignore" });
  const state = stdout.toString().split(") ")[1]?.[0];
  return state !== undefined && state !== "Z" && state !== "X";
}
