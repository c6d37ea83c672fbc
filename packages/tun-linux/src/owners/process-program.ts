// The program that the kernel runs when a socket is made: it compares the name of the thread that makes it with some
// names, and sets bits in the socket's mark. Sixteen octets are two comparisons; a packet costs nothing.
//
//   struct bpf_insn of linux/bpf.h: | code u8 | destination 4 bits, source 4 bits | offset i16 | immediate i32 |

/** Names whose sockets get bits. */
export interface NameMark {
  readonly names: readonly string[];
  readonly bits: number;
}

/** TASK_COMM_LEN of linux/sched.h */
const NAME_BYTES = 16;
const INSTRUCTION_BYTES = 8;

// linux/bpf.h, linux/bpf_common.h
const MOVE = 0xbf;
const MOVE_NUMBER = 0xb7;
const ADD_NUMBER = 0x07;
const OR = 0x4f;
const OR_NUMBER = 0x47;
const LOAD_WORD = 0x61;
const LOAD_DOUBLE = 0x79;
const STORE_WORD = 0x63;
const DOUBLE_NUMBER = 0x18;
const JUMP_UNLESS_EQUAL = 0x5d;
const CALL = 0x85;
const EXIT = 0x95;
const GET_CURRENT_COMM = 16;
/** Of struct bpf_sock. */
const MARK_AT = 16;

const [R0, R1, R2, R6, R7, R8, R9, FRAME] = [0, 1, 2, 6, 7, 8, 9, 10] as const;

type Instruction = readonly [code: number, destination: number, source: number, offset: number, immediate: number];

/** The program as the kernel wants it: it lets every socket be made. */
export function processProgram(marks: readonly NameMark[]): Uint8Array {
  const instructions: Instruction[] = [
    [MOVE, R6, R1, 0, 0],
    // The name, in sixteen octets of the stack; then in two registers.
    [MOVE, R1, FRAME, 0, 0],
    [ADD_NUMBER, R1, 0, 0, -NAME_BYTES],
    [MOVE_NUMBER, R2, 0, 0, NAME_BYTES],
    [CALL, 0, 0, 0, GET_CURRENT_COMM],
    [LOAD_DOUBLE, R7, FRAME, -NAME_BYTES, 0],
    [LOAD_DOUBLE, R8, FRAME, -NAME_BYTES / 2, 0],
    [MOVE_NUMBER, R9, 0, 0, 0],
    ...marks.flatMap(({ names, bits }) => names.flatMap((name) => comparison(name, bits))),
    [LOAD_WORD, R1, R6, MARK_AT, 0],
    [OR, R1, R9, 0, 0],
    [STORE_WORD, R6, R1, MARK_AT, 0],
    [MOVE_NUMBER, R0, 0, 0, 1],
    [EXIT, 0, 0, 0, 0],
  ];
  return assembled(instructions);
}

function comparison(name: string, bits: number): Instruction[] {
  const octets = new Uint8Array(NAME_BYTES);
  octets.set(new TextEncoder().encode(name).subarray(0, NAME_BYTES - 1));
  const view = new DataView(octets.buffer);
  return [
    ...double(R1, view, 0),
    // Behind the other comparison and what it leads to.
    [JUMP_UNLESS_EQUAL, R7, R1, 4, 0],
    ...double(R1, view, 8),
    [JUMP_UNLESS_EQUAL, R8, R1, 1, 0],
    [OR_NUMBER, R9, 0, 0, bits],
  ];
}

/** A number of 64 bits takes two instructions. */
function double(register: number, view: DataView, at: number): Instruction[] {
  return [
    [DOUBLE_NUMBER, register, 0, 0, view.getInt32(at, true)],
    [0, 0, 0, 0, view.getInt32(at + 4, true)],
  ];
}

function assembled(instructions: readonly Instruction[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(instructions.length * INSTRUCTION_BYTES));
  for (const [index, [code, destination, source, offset, immediate]] of instructions.entries()) {
    const at = index * INSTRUCTION_BYTES;
    view.setUint8(at, code);
    view.setUint8(at + 1, destination | (source << 4));
    view.setInt16(at + 2, offset, true);
    view.setInt32(at + 4, immediate, true);
  }
  return new Uint8Array(view.buffer);
}
