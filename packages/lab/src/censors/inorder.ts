// C3: reassembly without a queue, as light inspection libraries do it.
import { nameIn } from "../message.ts";
import { OctetWindow } from "../tcp/octet-window.ts";
import type { Censor, CensorOptions } from "./censor.ts";
import { FlowCensor } from "./flow-censor.ts";
import type { FlowReader, SeenSegment } from "./flow-censor.ts";

/** Packets with data that the box spends on one flow. */
export const INORDER_BUDGET_PACKETS = 32;

/**
 * Takes only octets that continue what it has. A segment that starts before the next expected octet is used from
 * there on; one that starts behind it is thrown away for good. Checksum and hop limit do not matter to it.
 */
export function inorderCensor(options: CensorOptions): Censor {
  return new FlowCensor(
    {
      name: "inorder",
      says: "The box reads only in order: it loses early segments, ignores repeats, and gives up after 32 packets.",
      open: () => new InorderReader(),
    },
    options,
  );
}

class InorderReader implements FlowReader {
  readonly #window = new OctetWindow("first");
  #packets = 0;

  outbound({ segment, position }: SeenSegment): string | undefined {
    if (segment.payload.length === 0 || this.#packets === INORDER_BUDGET_PACKETS) return undefined;
    this.#packets += 1;
    if (position > this.#window.readable.length) return undefined;
    return this.#window.write(position, segment.payload) ? nameIn(this.#window.readable) : undefined;
  }
}
