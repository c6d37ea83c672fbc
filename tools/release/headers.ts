// What the first octets of an executable say of the system and the processor that it is for. Numbers: System V ABI
// (elf.h), mach-o/loader.h, the PE format of winnt.h. Everything is little endian.

/** An executable by its own words. */
export interface Header {
  readonly format: "ELF" | "Mach-O" | "PE";
  readonly system: "linux" | "linux-musl" | "freebsd" | "macos" | "windows" | "other";
  readonly processor: "x64" | "arm64" | "other";
}

const ELF_MAGIC = 0x464c457f;
const ELF_OSABI_AT = 7;
const ELFOSABI_FREEBSD = 9;
const ELF_MACHINE_AT = 18;
const ELF_PROCESSORS: Readonly<Record<number, Header["processor"]>> = { 62: "x64", 183: "arm64" };
const ELF_PROGRAM_HEADERS_AT = 32;
const ELF_PROGRAM_HEADER_BYTES = 56;
const ELF_PROGRAM_HEADER_COUNT_AT = 56;
const PT_INTERP = 3;

const MACHO_MAGIC = 0xfeedfacf;
const MACHO_PROCESSORS: Readonly<Record<number, Header["processor"]>> = { 0x01000007: "x64", 0x0100000c: "arm64" };
const MACHO_HEADER_BYTES = 32;
const LC_CODE_SIGNATURE = 0x1d;
const LC_BUILD_VERSION = 0x32;
const PLATFORM_MACOS = 1;

const PE_MAGIC = 0x5a4d;
const PE_HEADER_AT = 0x3c;
const PE_SIGNATURE = 0x4550;
const PE_PROCESSORS: Readonly<Record<number, Header["processor"]>> = { 0x8664: "x64", 0xaa64: "arm64" };
const PE_SUBSYSTEM_AT = 92;
const SUBSYSTEM_CONSOLE = 3;

/** @throws Error for what is none of the three kinds, or is not whole */
export function readHeader(octets: Uint8Array): Header {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
  if (view.getUint32(0, true) === ELF_MAGIC) return readElf(octets, view);
  if (view.getUint32(0, true) === MACHO_MAGIC) return readMachO(view);
  if (view.getUint16(0, true) === PE_MAGIC) return readPe(view);
  throw new Error(`executable: expected ELF, Mach-O or PE, found ${octets.subarray(0, 4).toHex()}`);
}

function readElf(octets: Uint8Array, view: DataView): Header {
  const interpreter = interpreterOf(octets, view);
  const linux = interpreter.includes("/ld-musl-") ? "linux-musl" : "linux";
  return {
    format: "ELF",
    system: octets[ELF_OSABI_AT] === ELFOSABI_FREEBSD ? "freebsd" : linux,
    processor: ELF_PROCESSORS[view.getUint16(ELF_MACHINE_AT, true)] ?? "other",
  };
}

/** The loader that the system starts it with. */
function interpreterOf(octets: Uint8Array, view: DataView): string {
  const start = Number(view.getBigUint64(ELF_PROGRAM_HEADERS_AT, true));
  const count = view.getUint16(ELF_PROGRAM_HEADER_COUNT_AT, true);
  for (let at = start; at < start + count * ELF_PROGRAM_HEADER_BYTES; at += ELF_PROGRAM_HEADER_BYTES) {
    if (view.getUint32(at, true) !== PT_INTERP) continue;
    const offset = Number(view.getBigUint64(at + 8, true));
    const bytes = Number(view.getBigUint64(at + 32, true));
    return new TextDecoder().decode(octets.subarray(offset, offset + bytes - 1));
  }
  return "";
}

/** @throws Error for one without a signature: macOS on arm64 kills such a program when it starts */
function readMachO(view: DataView): Header {
  let platform = 0;
  let signed = false;
  let at = MACHO_HEADER_BYTES;
  for (let left = view.getUint32(16, true); left > 0; left--) {
    const command = view.getUint32(at, true);
    if (command === LC_BUILD_VERSION) platform = view.getUint32(at + 8, true);
    if (command === LC_CODE_SIGNATURE) signed = true;
    at += view.getUint32(at + 4, true);
  }
  if (!signed) throw new Error("executable: expected a Mach-O with a signature, found none");
  return {
    format: "Mach-O",
    system: platform === PLATFORM_MACOS ? "macos" : "other",
    processor: MACHO_PROCESSORS[view.getUint32(4, true)] ?? "other",
  };
}

function readPe(view: DataView): Header {
  const at = view.getUint32(PE_HEADER_AT, true);
  const isConsole =
    view.getUint32(at, true) === PE_SIGNATURE && view.getUint16(at + PE_SUBSYSTEM_AT, true) === SUBSYSTEM_CONSOLE;
  return {
    format: "PE",
    system: isConsole ? "windows" : "other",
    processor: PE_PROCESSORS[view.getUint16(at + 4, true)] ?? "other",
  };
}
