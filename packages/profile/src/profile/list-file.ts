// Lists of hosts and of addresses in files: one entry a line, `#` before a comment, gzip and zstd taken for what they
// hold.
import type zlibModule from "node:zlib";
import { Fault } from "../errors.ts";
import { shown } from "../wording.ts";
import type { Files } from "./files.ts";
import type { ListFile } from "./profile.ts";

/** A list of a million names has some 20 MB. */
const LIST_MAX_BYTES = 64 * 1024 * 1024;
/** Lines that are told; a file of another kind has thousands of wrong ones. */
const FAULTS_TOLD = 3;
/** RFC 1952 section 2.3.1 */
const GZIP_MAGIC = [0x1f, 0x8b] as const;
/** RFC 8878 section 3.1.1 */
const ZSTD_MAGIC = [0x28, 0xb5, 0x2f, 0xfd] as const;

const decoder = new TextDecoder();

/** The entries of a file, each as `readEntry` makes it; or what is wrong with the file. */
export function readListFile(
  files: Files,
  path: string,
  readEntry: (text: string) => string | Fault,
): ListFile | Fault {
  const octets = files.octets(path);
  if (octets instanceof Fault) return octets;
  const text = textOf(octets, path);
  if (text instanceof Fault) return text;
  const entries: string[] = [];
  const faults: string[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    const entry = line.replace(/#.*/, "").trim();
    if (entry === "") continue;
    const read = readEntry(entry);
    if (!(read instanceof Fault)) entries.push(read);
    else faults.push(`line ${index + 1}: ${read.text}`);
  }
  if (faults.length === 0) return { path, text: entries.join("\n") };
  const more = faults.length > FAULTS_TOLD ? [`and ${faults.length - FAULTS_TOLD} more`] : [];
  return new Fault(`${shown(path)} ${[...faults.slice(0, FAULTS_TOLD), ...more].join("; ")}`);
}

function textOf(octets: Uint8Array, path: string): string | Fault {
  if (startsWith(octets, GZIP_MAGIC)) return unpacked("gzip", path, () => zlib().gunzipSync(octets, UNPACK_OPTIONS));
  if (startsWith(octets, ZSTD_MAGIC)) return unpacked("zstd", path, () => unpackZstd(octets));
  return octets.length <= LIST_MAX_BYTES ? decoder.decode(octets) : tooLarge(path);
}

/** Loaded with the first packed list: it takes ten milliseconds of a start. */
const zlib = (): typeof zlibModule => process.getBuiltinModule("node:zlib");

const UNPACK_OPTIONS = { maxOutputLength: LIST_MAX_BYTES };

/** The first unpacks no more than it may, but takes a torn end for an end; the second knows that there is none. */
function unpackZstd(octets: Uint8Array): Uint8Array {
  zlib().zstdDecompressSync(octets, UNPACK_OPTIONS);
  return Bun.zstdDecompressSync(octets);
}

function startsWith(octets: Uint8Array, magic: readonly number[]): boolean {
  return magic.every((octet, index) => octets[index] === octet);
}

function unpacked(form: string, path: string, unpack: () => Uint8Array): string | Fault {
  try {
    const octets = unpack();
    return octets.length <= LIST_MAX_BYTES ? decoder.decode(octets) : tooLarge(path);
  } catch (error) {
    if (error instanceof RangeError) return tooLarge(path);
    const why = error instanceof Error ? error.message : String(error);
    return new Fault(`expected ${form} that can be unpacked, found ${shown(path)}: ${why}`);
  }
}

function tooLarge(path: string): Fault {
  return new Fault(`expected a list of at most ${LIST_MAX_BYTES} octets, found more in ${shown(path)}`);
}
