import { expect, test } from "bun:test";
import { Caller, type CallPipe } from "./calls.ts";

type Sums = {
  add(numbers: readonly number[]): number;
  fail(argument: undefined): void;
};

/** A child that answers by the given function, one line for each line. */
function pipe(answer: (request: { id: number; call: string; argument: unknown }) => string | undefined) {
  let send: (text: string) => void = () => undefined;
  let end = (): void => undefined;
  const stdout = new ReadableStream<Uint8Array>({
    start(controller) {
      send = (text) => controller.enqueue(new TextEncoder().encode(text));
      end = () => controller.close();
    },
  });
  const stdin = {
    write(line: string) {
      const text = answer(JSON.parse(line) as Parameters<typeof answer>[0]);
      if (text === undefined) end();
      else send(text);
    },
    flush: () => undefined,
  };
  const ends: CallPipe = { stdin, stdout, exited: Promise.resolve(7) };
  return { ends, send, end };
}

function adder() {
  return pipe(
    ({ id, argument }) => `${JSON.stringify({ id, result: (argument as number[]).reduce((a, b) => a + b) })}\n`,
  );
}

test("Caller.open() waits for the word that the child is ready", async () => {
  const { ends, send } = adder();
  let isOpen = false;
  const opening = Caller.open<Sums>("child", ends).then((caller) => {
    isOpen = true;
    return caller;
  });
  await Bun.sleep(0);
  expect(isOpen).toBe(false);
  send('{"id":0}\n');
  expect(await (await opening).call("add", [1, 2, 3])).toBe(6);
});

test("Caller.open() fails with the status of a child that ends before", async () => {
  const { ends, end } = adder();
  end();
  await expect(Caller.open<Sums>("child", ends)).rejects.toThrow("child ended with status 7");
});

test("Caller.call() reads answers in any pieces", async () => {
  const { ends, send } = pipe(({ id }) => `{"id":${id},"res`);
  send('{"id":0}\n');
  const caller = await Caller.open<Sums>("child", ends);
  const sum = caller.call("add", []);
  send('ult":4}\n');
  expect(await sum).toBe(4);
});

test("Caller.call() throws what failed in the child", async () => {
  const { ends, send } = pipe(({ id }) => `${JSON.stringify({ id, error: "no such number" })}\n`);
  send('{"id":0}\n');
  const caller = await Caller.open<Sums>("child", ends);
  await expect(caller.call("fail", undefined)).rejects.toThrow("child: no such number");
});

test("Caller.call() does not wait for a child that is gone", async () => {
  const { ends, send } = pipe(() => undefined);
  send('{"id":0}\n');
  const caller = await Caller.open<Sums>("child", ends);
  await expect(caller.call("add", [1])).rejects.toThrow("child ended with status 7");
  await expect(caller.call("add", [1])).rejects.toThrow("child ended with status 7");
});
