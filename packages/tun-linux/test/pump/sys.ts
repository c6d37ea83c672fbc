// A sandbox that forbids io_uring, as containers have it (seccomp(2), linux/seccomp.h, linux/bpf_common.h), and a pair
// of descriptors whose queue is short (socketpair(2)).
import { addressOf, errno, errnoName, library, libcNames } from "@bunnel/ffi";

const libc = library(libcNames("linux").paths, {
  prctl: { args: ["i32", "u64", "u64", "u64", "u64"], returns: "i32" },
  socketpair: { args: ["i32", "i32", "i32", "ptr"], returns: "i32" },
  close: { args: ["i32"], returns: "i32" },
});

const PR_SET_NO_NEW_PRIVS = 38;
const PR_SET_SECCOMP = 22;
const SECCOMP_MODE_FILTER = 2;
const SECCOMP_RET_ERRNO = 0x0005_0000;
const SECCOMP_RET_ALLOW = 0x7fff_0000;
const EPERM = 1;
const LOAD_WORD = 0x20;
const JUMP_IF_EQUAL = 0x15;
const RETURN = 0x06;
const IO_URING_SETUP = 425;
const INSTRUCTION_BYTES = 8;

/** From now on io_uring_setup(2) of the calling thread fails with EPERM. */
export function forbidUring(): void {
  const program = [
    [LOAD_WORD, 0, 0, 0],
    [JUMP_IF_EQUAL, 0, 1, IO_URING_SETUP],
    [RETURN, 0, 0, SECCOMP_RET_ERRNO | EPERM],
    [RETURN, 0, 0, SECCOMP_RET_ALLOW],
  ];
  const instructions = new DataView(new ArrayBuffer(program.length * INSTRUCTION_BYTES));
  for (const [i, [code = 0, ifTrue = 0, ifFalse = 0, value = 0]] of program.entries()) {
    const at = i * INSTRUCTION_BYTES;
    instructions.setUint16(at, code, true);
    instructions.setUint8(at + 2, ifTrue);
    instructions.setUint8(at + 3, ifFalse);
    instructions.setUint32(at + 4, value, true);
  }
  const filter = new BigUint64Array([BigInt(program.length), BigInt(addressOf(instructions))]);
  checked("PR_SET_NO_NEW_PRIVS", libc().prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
  checked("PR_SET_SECCOMP", libc().prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, addressOf(filter), 0, 0));
}

const AF_UNIX = 1;
const SOCK_DGRAM_NONBLOCK = 2 | 0x800;

/** Two ends that bring each other a packet a call, and few of them at a time. */
export class DatagramPair implements Disposable {
  readonly #ends = new Int32Array(2);

  constructor() {
    checked("socketpair", libc().socketpair(AF_UNIX, SOCK_DGRAM_NONBLOCK, 0, this.#ends));
  }

  get ends(): readonly [number, number] {
    return [this.#ends[0] ?? -1, this.#ends[1] ?? -1];
  }

  [Symbol.dispose](): void {
    for (const end of this.#ends) libc().close(end);
  }
}

function checked(what: string, result: number): void {
  if (result < 0) throw new Error(`${what} failed with ${errnoName(errno())}`);
}
