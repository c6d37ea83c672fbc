// Both ends of the connections that stream egress is tried with: `stream-peer.ts serve ADDRESS…` and
// `stream-peer.ts ask ADDRESS WHAT [COUNT]`, which prints a line of JSON.
import { connect, createServer, type Socket } from "node:net";

/** Answers what the client's first word says. */
export const TALK_PORT = 7001;
/** Speaks first. */
export const GREETING_PORT = 7002;
/** Nobody listens. */
export const CLOSED_PORT = 7003;
export const GREETING = "220 ready\n";

/** What a client can try. */
export type Question = "half-close" | "reset" | "greeting" | "closed" | "many" | "slow";

const MANY = 1200;
const AT_ONCE = 400;
/** Each is several packets, and an RST that finds the device's queue full is lost for good. */
const WORDS_AT_ONCE = 50;
const SLOW_BYTES = 8_000_000;
const SLOW_PAUSE_MS = 300;
/** Longer than many connections take to be open. */
const QUESTION_MS = 170_000;

function serve(addresses: readonly string[]): void {
  for (const host of addresses) {
    createServer({ allowHalfOpen: true }, talk).listen({ host, port: TALK_PORT, backlog: 4096 });
    createServer((socket) => socket.on("error", () => undefined).end(GREETING)).listen({ host, port: GREETING_PORT });
  }
  console.log("serving");
}

/** "half": counts to the end of the client's side, then says so. "reset": an RST. Anything else comes back. */
function talk(socket: Socket): void {
  let heard = 0;
  let word: string | undefined;
  socket.on("error", () => undefined);
  socket.on("data", (octets: Buffer) => {
    word ??= octets.toString().split("\n")[0] ?? "";
    heard += octets.length;
    if (word === "reset") socket.resetAndDestroy();
    else if (word === "slow") void pour(socket);
    else if (word !== "half") socket.write(octets);
  });
  socket.on("end", () => socket.end(word === "half" ? `heard ${heard}` : ""));
}

async function pour(socket: Socket): Promise<void> {
  const block = Buffer.alloc(64_000, 1);
  for (let sent = 0; sent < SLOW_BYTES; sent += block.length) {
    if (!socket.write(block)) await new Promise((done) => socket.once("drain", done));
  }
  socket.end();
}

interface Heard {
  readonly text: string;
  readonly bytes: number;
  /** "end", or the code of the error. */
  readonly how: string;
}

/** Opens a connection, says something, and listens to its end. */
function converse(host: string, port: number, say: (socket: Socket) => void): Promise<Heard> {
  const { promise, resolve } = Promise.withResolvers<Heard>();
  const parts: Buffer[] = [];
  const done = (how: string): void => {
    const all = Buffer.concat(parts);
    resolve({ text: all.subarray(0, 100).toString(), bytes: all.length, how });
  };
  const socket = connect({ host, port, allowHalfOpen: true, noDelay: true });
  socket.setTimeout(QUESTION_MS, () => done("timeout"));
  socket.on("connect", () => say(socket));
  socket.on("data", (octets: Buffer) => parts.push(octets));
  socket.on("end", () => {
    socket.end();
    done("end");
  });
  socket.on("error", (error: NodeJS.ErrnoException) => done(error.code ?? error.message));
  return promise;
}

async function ask(host: string, what: Question, count: number): Promise<unknown> {
  switch (what) {
    case "half-close":
      return converse(host, TALK_PORT, (socket) => socket.end(`half\n${"x".repeat(100_000)}`));
    case "reset":
      return converse(host, TALK_PORT, (socket) => socket.write("reset\n"));
    case "greeting":
      return converse(host, GREETING_PORT, () => undefined);
    case "closed":
      return converse(host, CLOSED_PORT, () => undefined);
    case "slow":
      return converse(host, TALK_PORT, (socket) => {
        socket.write("slow\n");
        socket.pause();
        setTimeout(() => socket.resume(), SLOW_PAUSE_MS);
      });
    case "many":
      return askMany(host, count);
  }
}

/** Of ten one is to be ended by an RST, and one is heard to its end before it is answered. */
function wordOf(i: number): string {
  if (i % 10 === 3) return "reset\n";
  return i % 10 === 7 ? `half\n${i}` : `word ${i}\n`;
}

function isRight(text: string, how: string, i: number): boolean {
  if (i % 10 === 3) return how === "ECONNRESET";
  return text === (i % 10 === 7 ? `heard ${wordOf(i).length}` : wordOf(i)) && how === "end";
}

/** All connections are open, or refused, before the first says anything. */
async function askMany(host: string, count: number): Promise<unknown> {
  const opened = Promise.withResolvers<void>();
  let begun = 0;
  let settled = 0;
  let answered = 0;
  /** In waves, as they were opened: words of all at once would be lost, and come again at once. */
  const turnOf = async (i: number): Promise<void> => {
    while (answered + WORDS_AT_ONCE < i) await Bun.sleep(5);
  };
  const settle = (): void => {
    settled += 1;
    if (settled === count) opened.resolve();
  };
  const one = async (i: number): Promise<Heard> => {
    begun += 1;
    const heard = converse(host, TALK_PORT, (socket) => {
      settle();
      void opened.promise.then(() => turnOf(i)).then(() => socket.end(wordOf(i)));
    });
    void heard.then(() => (answered += 1));
    void heard.then(({ how }) => how === "ECONNREFUSED" && settle());
    return heard;
  };
  const all: Promise<Heard>[] = [];
  for (let i = 0; i < count; i += 1) {
    // More SYNs than a queue holds would only come again.
    if (i % AT_ONCE === 0) while (begun - settled > 0) await Bun.sleep(1);
    all.push(one(i));
  }
  const answers = await Promise.all(all);
  const refused = answers.filter(({ how }) => how === "ECONNREFUSED").length;
  const isWrong = ({ text, how }: Heard, i: number): boolean => how !== "ECONNREFUSED" && !isRight(text, how, i);
  const wrong = answers.flatMap((heard, i) => (isWrong(heard, i) ? [{ i, ...heard }] : []));
  const right = count - refused - wrong.length;
  return {
    ...{ right, of: count },
    ...(refused > 0 && { refused }),
    // Enough to tell why.
    ...(wrong.length > 0 && { wrong: wrong.slice(0, 5) }),
  };
}

if (import.meta.main) {
  const [role, ...words] = process.argv.slice(2);
  if (role === "serve") serve(words);
  else {
    const [address = "", what = "", count = String(MANY)] = words;
    console.log(JSON.stringify(await ask(address, what as Question, Number(count))));
    process.exit(0);
  }
}
