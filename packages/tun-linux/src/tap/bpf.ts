// Programs of the kernel's packet filter, in its first form (linux/filter.h, linux/bpf_common.h): a list of statements,
// in which jumps name the labels behind them. One accumulator, one index register.
//
//   struct sock_filter: | code u16 | jump if true u8 | jump if false u8 | k u32 |

/** An instruction, or a label: the name of the instruction behind it. */
export type Statement = string | Instruction;

export interface Instruction {
  readonly code: number;
  readonly k: number;
  /** Labels of a conditional jump; left out: the next instruction. */
  readonly yes?: string;
  readonly no?: string;
}

const INSTRUCTION_BYTES = 8;
const JUMP_MAX = 255;
/** BPF_MAXINSNS of linux/bpf_common.h */
const INSTRUCTIONS_MAX = 4096;

const IMM = 0x00;
const LD = 0x00;
const LDX = 0x01;
const ALU = 0x04;
const JMP = 0x05;
const RET = 0x06;
const MISC = 0x07;
const ADD = 0x00;
const RSH = 0x70;
const X = 0x08;
const WORD = 0x00;
const HALF = 0x08;
const BYTE = 0x10;
const ABS = 0x20;
const IND = 0x40;
const MSH = 0xa0;
const AND = 0x50;
const JA = 0x00;
const JEQ = 0x10;
const JSET = 0x40;

/** Facts about the packet besides its octets: SKF_AD_OFF and what is added to it. */
const FACTS = -0x1000;
const FACT_PROTOCOL = 0;
const FACT_KIND = 4;
const FACT_IFINDEX = 8;
const FACT_MARK = 20;

/** The EtherType, whether or not there is an Ethernet header. */
export const loadProtocol: Instruction = { code: LD | WORD | ABS, k: FACTS + FACT_PROTOCOL };
/** The index of the interface at which the packet arrived. */
export const loadInterface: Instruction = { code: LD | WORD | ABS, k: FACTS + FACT_IFINDEX };

/** Whom the packet is for: PACKET_OUTGOING of linux/if_packet.h for what this machine sends. */
export const loadKind: Instruction = { code: LD | WORD | ABS, k: FACTS + FACT_KIND };
/** The packet's mark. */
export const loadMark: Instruction = { code: LD | WORD | ABS, k: FACTS + FACT_MARK };

/** Reading behind the packet's end ends the program: the packet is ignored. */
export function loadByte(at: number): Instruction {
  return { code: LD | BYTE | ABS, k: at };
}

export function loadHalf(at: number): Instruction {
  return { code: LD | HALF | ABS, k: at };
}

/** The octet at the index register plus `at`. */
export function loadByteIndexed(at: number): Instruction {
  return { code: LD | BYTE | IND, k: at };
}

export function loadHalfIndexed(at: number): Instruction {
  return { code: LD | HALF | IND, k: at };
}

export function loadWordIndexed(at: number): Instruction {
  return { code: LD | WORD | IND, k: at };
}

/** The index register becomes this number. */
export function setIndex(value: number): Instruction {
  return { code: LDX | IMM, k: value };
}

/** What the accumulator has, shifted and added to the index register, becomes the index register. */
export function addToIndex(shiftRight: number): readonly Instruction[] {
  return [
    { code: ALU | RSH, k: shiftRight },
    { code: ALU | ADD | X, k: 0 },
    { code: MISC, k: 0 },
  ];
}

/** The index register becomes four times the low half of the octet: the length of an IPv4 header. */
export function indexHeaderLength(at: number): Instruction {
  return { code: LDX | BYTE | MSH, k: at };
}

export function keepBits(mask: number): Instruction {
  return { code: ALU | AND, k: mask };
}

export function ifEquals(k: number, yes?: string, no?: string): Instruction {
  return branch(JEQ, k, yes, no);
}

export function ifHasBit(mask: number, yes?: string, no?: string): Instruction {
  return branch(JSET, mask, yes, no);
}

function branch(kind: number, k: number, yes: string | undefined, no: string | undefined): Instruction {
  return { code: JMP | kind, k, ...(yes !== undefined && { yes }), ...(no !== undefined && { no }) };
}

export function goOnAt(label: string): Instruction {
  return { code: JMP | JA, k: 0, yes: label };
}

/** Takes so many octets of the packet; 0: none of it. */
export function take(bytes: number): Instruction {
  return { code: RET, k: bytes };
}

/**
 * The program as the kernel wants it.
 * @throws RangeError for a jump to no label, backwards, or further than the instruction can say
 */
export function assemble(statements: readonly Statement[]): Uint8Array {
  const places = new Map<string, number>();
  const instructions: Instruction[] = [];
  for (const statement of statements) {
    if (typeof statement === "string") places.set(statement, instructions.length);
    else instructions.push(statement);
  }
  if (instructions.length < 1 || instructions.length > INSTRUCTIONS_MAX) {
    throw new RangeError(`filter: expected 1…${INSTRUCTIONS_MAX} instructions, found ${instructions.length}`);
  }
  const program = new Uint8Array(instructions.length * INSTRUCTION_BYTES);
  const view = new DataView(program.buffer);
  for (const [index, { code, k, yes, no }] of instructions.entries()) {
    const at = index * INSTRUCTION_BYTES;
    const isLongJump = code === (JMP | JA);
    view.setUint16(at, code, true);
    view.setUint8(at + 2, isLongJump ? 0 : distance(places, index, yes));
    view.setUint8(at + 3, distance(places, index, no));
    view.setUint32(at + 4, isLongJump ? distance(places, index, yes) : k >>> 0, true);
  }
  return program;
}

/** Instructions between the jump and its label. */
function distance(places: ReadonlyMap<string, number>, from: number, label: string | undefined): number {
  if (label === undefined) return 0;
  const place = places.get(label);
  if (place === undefined) throw new RangeError(`filter: no label "${label}"`);
  const skipped = place - from - 1;
  if (skipped < 0 || skipped > JUMP_MAX) {
    throw new RangeError(`filter: jump to "${label}": expected 0…${JUMP_MAX} instructions ahead, found ${skipped}`);
  }
  return skipped;
}
