// What one execution is made of, and its text form, in which corpus and cases lie in the repository:
//
//   options 00dc05…
//   table 424e4e54…
//   packet +20 00000000000000000000 4500…     time since the one before, virtio header, octets

/** One packet of a scenario. */
export interface FuzzPacket {
  /** Milliseconds that pass before it. */
  readonly gapMs: number;
  /** The virtio_net_hdr before it: VNET_HEADER_BYTES octets. */
  readonly header: Uint8Array;
  readonly octets: Uint8Array;
}

/** Plain data that every target understands; what a target has no use for it leaves alone. */
export interface FuzzInput {
  /** Octets that choose among settings; a missing one is 0. */
  readonly options: Uint8Array;
  /** A rule table; empty: none is loaded. */
  readonly table: Uint8Array;
  readonly packets: readonly FuzzPacket[];
}

/** The text form; `parseInput` reads it back. */
export function printInput({ options, table, packets }: FuzzInput): string {
  const lines = [`options ${options.toHex()}`, `table ${table.toHex()}`];
  for (const { gapMs, header, octets } of packets) lines.push(`packet +${gapMs} ${header.toHex()} ${octets.toHex()}`);
  return `${lines.join("\n")}\n`;
}

/** Reads the text form; lines that begin with # are remarks. @throws SyntaxError for a line that it does not know */
export function parseInput(text: string): FuzzInput {
  let [options, table] = [new Uint8Array(), new Uint8Array()];
  const packets: FuzzPacket[] = [];
  for (const line of text.split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const [word, first = "", header = "", octets = ""] = line.split(" ");
    if (word === "options") options = Uint8Array.fromHex(first);
    else if (word === "table") table = Uint8Array.fromHex(first);
    else if (word === "packet") {
      packets.push({ gapMs: Number(first), header: Uint8Array.fromHex(header), octets: Uint8Array.fromHex(octets) });
    } else throw new SyntaxError(`fuzz input: expected options, table or packet, found ${word}`);
  }
  return { options, table, packets };
}

/** Octets of an input, by which the smaller of two is told. */
export function inputBytes({ options, table, packets }: FuzzInput): number {
  let bytes = options.length + table.length;
  for (const { octets } of packets) bytes += 16 + octets.length;
  return bytes;
}
