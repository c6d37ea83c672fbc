// The files that a profile names. The parser reads none itself: it asks whoever it was given.
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { Fault } from "../errors.ts";
import { shown } from "../wording.ts";

/** The octets of a file; throws what is to be told when there is none. */
export type FileLoader = (path: string) => Uint8Array;

/** Reads files by paths that count from the directory of the profile file. */
export function fileLoader(profilePath: string): FileLoader {
  const directory = dirname(profilePath);
  return (path) => readFileSync(resolve(directory, path));
}

/** Asks for each file once, however many rules name it. */
export class Files {
  private readonly known = new Map<string, Uint8Array | Fault>();

  constructor(private readonly load: FileLoader) {}

  octets(path: string): Uint8Array | Fault {
    const known = this.known.get(path);
    if (known) return known;
    const octets = this.read(path);
    this.known.set(path, octets);
    return octets;
  }

  private read(path: string): Uint8Array | Fault {
    try {
      return this.load(path);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      return new Fault(`expected a file that can be read, found ${shown(path)}: ${why}`);
    }
  }
}
