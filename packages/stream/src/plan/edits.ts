// Octets taken out of a message and put into it, and where everything else stands afterwards.

/** At an offset of the message: so many octets out, these in. Edits neither touch nor overlap but for insertions. */
export interface Edit {
  readonly at: number;
  readonly remove: number;
  readonly insert: Uint8Array;
}

export interface Edited {
  readonly octets: Uint8Array;
  /** Where what stood at an offset stands now; what was put in at that very place stands behind it. */
  readonly placeOf: (offset: number) => number;
}

/** The message with the edits carried out. */
export function applyEdits(octets: Uint8Array, edits: readonly Edit[]): Edited {
  const ordered = edits.toSorted((a, b) => a.at - b.at || a.remove - b.remove);
  const growth = ordered.reduce((sum, { insert, remove }) => sum + insert.length - remove, 0);
  const edited = new Uint8Array(octets.length + growth);
  let from = 0;
  let to = 0;
  for (const { at, remove, insert } of ordered) {
    edited.set(octets.subarray(from, at), to);
    to += at - from;
    edited.set(insert, to);
    to += insert.length;
    from = at + remove;
  }
  edited.set(octets.subarray(from), to);
  return {
    octets: edited,
    placeOf: (offset) =>
      ordered.reduce((place, { at, remove, insert }) => {
        if (at >= offset) return place;
        const gone = Math.min(remove, offset - at);
        // Within what was exchanged octet stands for octet.
        return place - gone + (gone === remove ? insert.length : Math.min(insert.length, gone));
      }, offset),
  };
}
