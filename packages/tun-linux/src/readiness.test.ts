import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PLACES_MAX, whenReadable } from "./readiness.ts";
import { ReadinessPlaces } from "./readiness-places.ts";
import * as sys from "./sys.ts";

describe("whenReadable()", () => {
  test("resolves each of many waits when its own descriptor is readable", async () => {
    const events = Array.from({ length: PLACES_MAX }, () => sys.openEvent());
    const order: number[] = [];
    const waits = events.map((fd, i) => whenReadable(fd).promise.then(() => order.push(i)));
    expect(() => whenReadable(0)).toThrow(`expected at most ${PLACES_MAX} at a time`);
    const raised = events.map((_, i) => (i * 37) % PLACES_MAX);
    for (const i of raised) {
      sys.raiseEvent(events[i] ?? -1);
      await waits[i];
      expect(order.at(-1)).toBe(i);
    }
    for (const fd of events) sys.closeFd(fd);
  });

  test("cancel() resolves the promise, and the descriptor can be used for another wait", async () => {
    const fd = sys.openEvent();
    for (let i = 0; i < 200; i++) {
      const wait = whenReadable(fd);
      if (i % 2) await Promise.resolve();
      wait.cancel();
      wait.cancel();
      await wait.promise;
    }
    const wait = whenReadable(fd);
    sys.raiseEvent(fd);
    await wait.promise;
    expect(sys.lowerEvent(fd)).toBe(true);
    sys.closeFd(fd);
  });

  test("an idle Worker does not keep the process alive", () => {
    const { exitCode, stdout } = runProgram(`
      const fd = sys.openEvent();
      const wait = whenReadable(fd);
      setTimeout(() => sys.raiseEvent(fd), 10);
      await wait.promise;
      console.log("readable");`);
    expect([exitCode, stdout.toString()]).toEqual([0, "readable\n"]);
  });

  test("the Worker sleeps: one turn to begin with, then one for each time that it is woken", async () => {
    const places = ReadinessPlaces.create(sys.openEvent());
    const worker = new Worker(new URL("./readiness-worker.ts", import.meta.url));
    worker.postMessage(places.shared);
    for (let turns = 1; turns <= 5; turns++) {
      while (places.turn() < turns) await Bun.sleep(1);
      await Bun.sleep(20);
      expect(places.turn()).toBe(turns);
      sys.raiseEvent(places.eventFd);
    }
    worker.terminate();
  });

  test("without the Worker's file timers do its work", async () => {
    const folder = mkdtempSync(join(tmpdir(), "readiness-"));
    try {
      const entry = join(folder, "entry.ts");
      await Bun.write(
        entry,
        program(`
        const fd = sys.openEvent();
        const cancelled = whenReadable(sys.openEvent());
        setTimeout(() => sys.raiseEvent(fd), 30);
        await whenReadable(fd).promise;
        cancelled.cancel();
        await cancelled.promise;
        await whenReadable(fd).promise;
        console.log("readable");`),
      );
      const { outputs } = await Bun.build({ entrypoints: [entry], target: "bun", outdir: join(folder, "built") });
      expect(outputs).toHaveLength(1);
      const { exitCode, stdout } = Bun.spawnSync([process.execPath, outputs[0]?.path ?? ""]);
      expect([exitCode, stdout.toString()]).toEqual([0, "readable\n"]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

function program(body: string): string {
  const path = (file: string) => new URL(file, import.meta.url).pathname;
  const imports = [
    `import { whenReadable } from "${path("./readiness.ts")}";`,
    `import * as sys from "${path("./sys.ts")}";`,
  ];
  return `${imports.join("\n")}\n${body}`;
}

function runProgram(body: string) {
  return Bun.spawnSync([process.execPath, "-e", program(body)]);
}
