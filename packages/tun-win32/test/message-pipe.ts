// A pipe of Windows that carries messages: under Wine it stands in for a TAP adapter, because each read and each write
// is one frame. Source: namedpipeapi.h.
import { library, pointer } from "@bunnel/ffi";
import { wideString } from "../src/wide-string.ts";

const KERNEL32 = {
  CreateNamedPipeW: { args: ["ptr", "u32", "u32", "u32", "u32", "u32", "u32", "ptr"], returns: "u64" },
  CloseHandle: { args: ["u64"], returns: "i32" },
  PeekNamedPipe: { args: ["u64", "ptr", "u32", "ptr", "ptr", "ptr"], returns: "i32" },
  ReadFile: { args: ["u64", "ptr", "u32", "ptr", "ptr"], returns: "i32" },
  WriteFile: { args: ["u64", "ptr", "u32", "ptr", "ptr"], returns: "i32" },
} as const;

const PIPE_ACCESS_DUPLEX = 3;
/** PIPE_TYPE_MESSAGE | PIPE_READMODE_MESSAGE */
const MESSAGES = 4 | 2;
const BUFFER_BYTES = 1 << 16;
const LOOKS_MAX = 200;

export class MessagePipe {
  readonly #calls = library("kernel32.dll", KERNEL32)();
  readonly #path: Uint8Array;
  readonly #message = new Uint8Array(BUFFER_BYTES);
  #handle: bigint;

  constructor(name: string) {
    this.#path = wideString(`\\\\.\\pipe\\${name}`);
    this.#handle = this.#create();
  }

  write(message: Uint8Array): void {
    const count = new Uint32Array(1);
    const isDone = this.#calls.WriteFile(this.#handle, message, message.length, count, pointer(0));
    if (isDone === 0) throw new Error("writing to the pipe failed");
  }

  /** The next message; undefined when none comes in time. */
  read(): Uint8Array | undefined {
    const waiting = new Uint32Array(1);
    const count = new Uint32Array(1);
    for (let look = 0; look < LOOKS_MAX; look++) {
      this.#calls.PeekNamedPipe(this.#handle, null, 0, null, waiting, null);
      if ((waiting[0] ?? 0) === 0) {
        Bun.sleepSync(1);
        continue;
      }
      this.#calls.ReadFile(this.#handle, this.#message, BUFFER_BYTES, count, pointer(0));
      return this.#message.slice(0, count[0]);
    }
    return undefined;
  }

  /** Lets the next one open it. */
  reset(): void {
    this.#calls.CloseHandle(this.#handle);
    this.#handle = this.#create();
  }

  #create(): bigint {
    const { CreateNamedPipeW } = this.#calls;
    return CreateNamedPipeW(this.#path, PIPE_ACCESS_DUPLEX, MESSAGES, 1, BUFFER_BYTES, BUFFER_BYTES, 0, null);
  }
}
