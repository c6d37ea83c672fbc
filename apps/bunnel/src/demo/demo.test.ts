// A failure under way and the interrupt that caused it, in either order.
import { describe, expect, test } from "bun:test";
import { untilAborted } from "./demo.ts";

describe("untilAborted", () => {
  test("a failure that an interrupt explains is none, though it is seen first", async () => {
    const abort = new AbortController();
    const work = untilAborted(Promise.reject(new Error("a child was interrupted")), abort.signal);
    setTimeout(() => abort.abort(), 20);
    await work;
    expect(abort.signal.aborted).toBe(true);
  });

  test("a failure that comes behind the interrupt is none", async () => {
    const abort = new AbortController();
    const { promise, reject } = Promise.withResolvers<void>();
    const work = untilAborted(promise, abort.signal);
    abort.abort();
    await work;
    reject(new Error("the lab is gone"));
    await Bun.sleep(0);
  });

  test("a failure that nothing explains is told", async () => {
    const work = untilAborted(Promise.reject(new Error("no room")), new AbortController().signal);
    await expect(work).rejects.toThrow("no room");
  });
});
