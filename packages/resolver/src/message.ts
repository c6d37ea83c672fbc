// A DNS message seen in place (RFC 1035 section 4). What a record holds is read by dns-packet; this file tells where
// things lie, so that what passes through from an upstream to an asker stays octet for octet what it was.
//
// | id 2 | flags 2 | questions 2 | answers 2 | authorities 2 | additionals 2 | question … | records … |

export const HEADER_BYTES = 12;
/** A message over a stream has its octets before it as a 16-bit number (RFC 1035 section 4.2.2). */
export const MESSAGE_MAX_BYTES = 65535;

/** RFC 1035 section 4.1.1, RFC 4035 section 3. */
export const Flag = { Response: 0x8000, Authoritative: 0x0400, Truncated: 0x0200, RecursionDesired: 0x0100 } as const;
export const MoreFlag = { RecursionAvailable: 0x0080, Authentic: 0x0020, CheckingDisabled: 0x0010 } as const;
const OPCODE = 0x7800;
const RCODE = 0x000f;

/** RFC 1035 section 4.1.1, RFC 6891 section 9. */
export const Rcode = { NoError: 0, FormErr: 1, ServFail: 2, NxDomain: 3, NotImp: 4, Refused: 5, BadVers: 16 } as const;

/** Types that this package knows by number: RFC 1035, 3596, 6891, 1995. */
export const Type = { A: 1, Soa: 6, Aaaa: 28, Opt: 41, Ixfr: 251, Axfr: 252 } as const;

const NAME_MAX_BYTES = 255;
const LABEL_MAX_BYTES = 63;
const POINTER = 0xc0;
/** Pointers of one name; a name within a message of ours needs one or two. */
const POINTERS_MAX = 16;
const RECORD_FIXED_BYTES = 10;

/** Which part of a message a record stands in. */
export type Section = "answer" | "authority" | "additional";

/** Where a record lies. */
export interface RecordPlace {
  readonly section: Section;
  readonly at: number;
  readonly type: number;
  readonly cls: number;
  readonly ttlAt: number;
  readonly dataAt: number;
  readonly end: number;
}

/** Where the question lies; its name is whole, without pointers. */
export interface QuestionPlace {
  readonly nameBytes: number;
  readonly type: number;
  readonly cls: number;
  readonly end: number;
}

/** A message with exactly one question, whose every record lies within it. */
export interface MessageView {
  readonly octets: Uint8Array;
  readonly view: DataView;
  readonly id: number;
  readonly flags: number;
  readonly opcode: number;
  /** Without the part that EDNS adds. */
  readonly rcode: number;
  readonly question: QuestionPlace;
  readonly records: readonly RecordPlace[];
}

/** Reads the message's shape; undefined where it has another, one octet too few, or any behind its end. */
export function readMessage(octets: Uint8Array): MessageView | undefined {
  if (octets.length < HEADER_BYTES || octets.length > MESSAGE_MAX_BYTES) return undefined;
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
  if (view.getUint16(4) !== 1) return undefined;
  const question = readQuestion(octets, view);
  if (question === undefined) return undefined;
  const records: RecordPlace[] = [];
  let at = question.end;
  for (const [index, section] of (["answer", "authority", "additional"] as const).entries()) {
    const count = view.getUint16(6 + 2 * index);
    for (let i = 0; i < count; i++) {
      const record = readRecord(octets, view, at, section);
      if (record === undefined) return undefined;
      records.push(record);
      at = record.end;
    }
  }
  if (at !== octets.length) return undefined;
  const flags = view.getUint16(2);
  const [opcode, rcode] = [(flags & OPCODE) >> 11, flags & RCODE];
  return { octets, view, id: view.getUint16(0), flags, opcode, rcode, question, records };
}

function readQuestion(octets: Uint8Array, view: DataView): QuestionPlace | undefined {
  const nameEnd = skipName(octets, HEADER_BYTES, false);
  if (nameEnd === undefined || nameEnd + 4 > octets.length) return undefined;
  const [type, cls] = [view.getUint16(nameEnd), view.getUint16(nameEnd + 2)];
  return { nameBytes: nameEnd - HEADER_BYTES, type, cls, end: nameEnd + 4 };
}

function readRecord(octets: Uint8Array, view: DataView, at: number, section: Section): RecordPlace | undefined {
  const nameEnd = skipName(octets, at, true);
  if (nameEnd === undefined || nameEnd + RECORD_FIXED_BYTES > octets.length) return undefined;
  const dataAt = nameEnd + RECORD_FIXED_BYTES;
  const end = dataAt + view.getUint16(nameEnd + 8);
  if (end > octets.length) return undefined;
  const [type, cls] = [view.getUint16(nameEnd), view.getUint16(nameEnd + 2)];
  return { section, at, type, cls, ttlAt: nameEnd + 4, dataAt, end };
}

/** Where the name at `at` ends as it stands there; undefined: it is none. Every turn goes on or counts a pointer. */
function skipName(octets: Uint8Array, at: number, isPointerAllowed: boolean): number | undefined {
  let end: number | undefined;
  let bytes = 0;
  let pointers = 0;
  for (let next = at; ;) {
    const length = octets[next];
    if (length === undefined) return undefined;
    if (length >= POINTER) {
      const low = octets[next + 1];
      if (!isPointerAllowed || low === undefined || ++pointers > POINTERS_MAX) return undefined;
      end ??= next + 2;
      const target = ((length & ~POINTER) << 8) | low;
      // Only to what stands before it (RFC 1035 section 4.1.4).
      if (target >= next) return undefined;
      next = target;
      continue;
    }
    if (length > LABEL_MAX_BYTES) return undefined;
    bytes += length + 1;
    next += length + 1;
    if (bytes > NAME_MAX_BYTES || next > octets.length) return undefined;
    if (length === 0) return end ?? next;
  }
}

const LETTER_A = 0x41;
const LETTER_Z = 0x5a;
const TO_LOWER = 0x20;

/** The octets of a question's name with letters A to Z made small (RFC 4343); lengths of labels are below them. */
export function lowerName({ octets, question }: Pick<MessageView, "octets" | "question">): Uint8Array {
  const name = octets.slice(HEADER_BYTES, HEADER_BYTES + question.nameBytes);
  return name.map((octet) => (octet >= LETTER_A && octet <= LETTER_Z ? octet | TO_LOWER : octet));
}

/** The name as host names are written, lower case and without a dot at the end; undefined: it is no host name. */
export function hostText(name: Uint8Array): string | undefined {
  const labels: string[] = [];
  for (let at = 0; (name[at] ?? 0) !== 0;) {
    const length = name[at] ?? 0;
    const label = String.fromCharCode(...name.subarray(at + 1, at + 1 + length));
    if (!/^[a-z0-9_-]+$/.test(label)) return undefined;
    labels.push(label);
    at += length + 1;
  }
  return labels.length === 0 ? undefined : labels.join(".");
}
