import { expect, test } from "bun:test";
import { SpareThread } from "./spare-thread.ts";

const ANSWERS = new URL(
  `data:text/javascript,${encodeURIComponent("onmessage = ({ data }) => postMessage(data + 1)")}`,
);

function asked(worker: Worker): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  worker.addEventListener("message", ({ data }: MessageEvent<number>) => resolve(data));
  worker.addEventListener("error", ({ message }) => reject(new Error(message)));
  worker.postMessage(1);
  return promise.finally(() => worker.terminate());
}

test("SpareThread: the one that was started ahead is taken once, and the next one is another", async () => {
  const threads = new SpareThread(ANSWERS);
  threads.start();
  threads.start();
  const [first, second] = [threads.take(), threads.take()];
  expect(first).not.toBe(second);
  expect(await Promise.all([asked(first), asked(second)])).toEqual([2, 2]);
});
