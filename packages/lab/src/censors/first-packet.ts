// C2: a parser that is shown the first data packet of a flow and no other.
import { nameIn } from "../message.ts";
import type { Censor, CensorOptions } from "./censor.ts";
import { FlowCensor } from "./flow-censor.ts";
import type { FlowReader } from "./flow-censor.ts";

/** Takes the first packet with payload as it comes: sequence number, checksum and hop limit do not matter to it. */
export function firstPacketCensor(options: CensorOptions): Censor {
  return new FlowCensor(
    {
      name: "first-packet",
      says: "The box decides on the first packet with data and never looks at a later one of the flow.",
      defaultReaction: "rst",
      open: () => new FirstPacketReader(),
    },
    options,
  );
}

class FirstPacketReader implements FlowReader {
  #done = false;

  outbound({ segment }: Parameters<FlowReader["outbound"]>[0]): string | undefined {
    if (this.#done || segment.payload.length === 0) return undefined;
    this.#done = true;
    return nameIn(segment.payload);
  }
}
