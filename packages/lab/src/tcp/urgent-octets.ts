// The urgent octet of a stream (RFC 6093): a program that does not ask for it among the others (SO_OOBINLINE) reads the
// stream without it. What was read before its segment came is not taken back.

export class UrgentOctets {
  /** Places in the stream. */
  #places: Set<number> | undefined;
  #readBytes = 0;

  /**
   * A segment that was taken says where urgent octets end.
   * @param position of its payload in the stream
   * @param urgent as the segment has it: octets from there; 0: none
   */
  note(position: number, urgent: number): void {
    if (urgent > 0) (this.#places ??= new Set()).add(position + urgent - 1);
  }

  /** What of the next octets of the stream a program reads. */
  read(octets: Uint8Array): Uint8Array {
    const from = this.#readBytes;
    this.#readBytes += octets.length;
    const places = this.#places;
    return places === undefined ? octets : octets.filter((_, at) => !places.has(from + at));
  }
}
