// C4 and C5: reassembly with a queue. The three models differ in which copy of an octet holds and whether a segment
// with a wrong checksum counts. None of them looks at hop limits, timestamps, acknowledgements or flags.
import { verifyChecksums } from "@bunnel/wire";
import { nameIn } from "../message.ts";
import { OctetWindow } from "../tcp/octet-window.ts";
import type { Censor, CensorOptions } from "./censor.ts";
import { FlowCensor } from "./flow-censor.ts";
import type { FlowReader, SeenSegment } from "./flow-censor.ts";

/** Puts segments of any order together; of an octet that comes twice the first copy holds. */
export function fullFirstCensor(options: CensorOptions): Censor {
  return new FlowCensor(
    {
      name: "full-first",
      says: "The box reassembles the whole stream, the first copy of an octet wins, and it validates nothing.",
      open: () => new FullReader("first", false),
    },
    options,
  );
}

/** As full-first, but what the server would discard for its checksum is discarded here too. */
export function fullCksumCensor(options: CensorOptions): Censor {
  return new FlowCensor(
    {
      name: "full-cksum",
      says: "The box reassembles the whole stream, the first copy of an octet wins, and wrong checksums are ignored.",
      open: () => new FullReader("first", true),
    },
    options,
  );
}

/** Reads again whenever octets were overwritten: a decoy that comes before the real octets does not help against it. */
export function fullLastCensor(options: CensorOptions): Censor {
  return new FlowCensor(
    {
      name: "full-last",
      says: "The box reassembles the whole stream, the last copy of an octet wins, and wrong checksums are ignored.",
      open: () => new FullReader("last", true),
    },
    options,
  );
}

class FullReader implements FlowReader {
  readonly #window: OctetWindow;
  readonly #checksums: boolean;

  constructor(keep: "first" | "last", checksums: boolean) {
    this.#window = new OctetWindow(keep);
    this.#checksums = checksums;
  }

  outbound({ segment, packet, position }: SeenSegment): string | undefined {
    if (segment.payload.length === 0) return undefined;
    if (this.#checksums && !checksumsHold(packet)) return undefined;
    return this.#window.write(position, segment.payload) ? nameIn(this.#window.readable) : undefined;
  }
}

function checksumsHold(packet: Uint8Array): boolean {
  const { ip, transport } = verifyChecksums(packet);
  return ip !== false && transport !== false;
}
