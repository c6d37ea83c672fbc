import { expect, test } from "bun:test";
import { Coalesced } from "./coalesced.ts";

const EVERY_MS = 20;

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 1000 && !condition(); i++) await Bun.sleep(1);
  expect(condition()).toBe(true);
}

test("Coalesced does what is asked for at once, and a storm behind it once more", async () => {
  let done = 0;
  using work = new Coalesced(() => void done++, EVERY_MS);
  for (let i = 0; i < 1000; i++) work.ask();
  expect(done).toBe(1);
  await until(() => done === 2);
  await Bun.sleep(EVERY_MS * 3);
  expect(done).toBe(2);
  work.ask();
  expect(done).toBe(3);
});

test("Coalesced tries again what failed", async () => {
  let tries = 0;
  using work = new Coalesced(
    () => {
      if (++tries < 3) throw new Error("not yet");
    },
    EVERY_MS,
    EVERY_MS,
  );
  work.ask();
  await until(() => tries === 3);
  await Bun.sleep(EVERY_MS * 3);
  expect(tries).toBe(3);
});

test("Coalesced does nothing any more once it is disposed", async () => {
  let done = 0;
  const work = new Coalesced(() => void done++, EVERY_MS);
  work.ask();
  work.ask();
  work[Symbol.dispose]();
  work.ask();
  await Bun.sleep(EVERY_MS * 3);
  expect(done).toBe(1);
});
