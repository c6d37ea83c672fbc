import { describe, expect, test } from "bun:test";
import { happyStart, type Way } from "./happy-start.ts";

const never = new AbortController().signal;

function way(): { readonly way: Way<string>; readonly done: PromiseWithResolvers<string>; signals: AbortSignal[] } {
  const done = Promise.withResolvers<string>();
  const signals: AbortSignal[] = [];
  return {
    done,
    signals,
    way(signal) {
      signals.push(signal);
      return done.promise;
    },
  };
}

describe("happyStart()", () => {
  test("a way that fails starts the next at once", async () => {
    const [first, second] = [way(), way()];
    const found = happyStart([first.way, second.way], 60_000, never);
    expect(second.signals.length).toBe(0);
    first.done.reject(new Error("no"));
    second.done.resolve("second");
    expect(await found).toBe("second");
  });

  test("a slow way starts the next too, and whoever is first wins", async () => {
    const [first, second] = [way(), way()];
    const found = happyStart([first.way, second.way], 1, never);
    while (second.signals.length === 0) await Bun.sleep(1);
    first.done.resolve("first after all");
    expect(await found).toBe("first after all");
    expect(second.signals[0]?.aborted).toBe(true);
  });

  test("fails when all have failed", () => {
    const failing: Way<string> = () => Promise.reject(new Error("no"));
    expect(happyStart([failing, failing], 60_000, never)).rejects.toThrow("no");
  });

  test("what comes too late is discarded", async () => {
    const [first, second] = [way(), way()];
    const late: string[] = [];
    const found = happyStart([first.way, second.way], 1, never, (result) => void late.push(result));
    while (second.signals.length === 0) await Bun.sleep(1);
    second.done.resolve("second");
    await found;
    first.done.resolve("first");
    await first.done.promise;
    expect(late).toEqual(["first"]);
  });

  test("gives up when it is told to", () => {
    const control = new AbortController();
    const found = happyStart([way().way], 60_000, control.signal);
    control.abort(new Error("enough"));
    expect(found).rejects.toThrow("enough");
  });
});
