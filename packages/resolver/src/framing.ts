// DNS messages over a stream: each with its octets before it as a 16-bit number (RFC 1035 section 4.2.2).

/** The message with its length before it, to be sent in one piece (RFC 7766 section 8). */
export function framed(message: Uint8Array): Uint8Array {
  const octets = new Uint8Array(2 + message.length);
  new DataView(octets.buffer).setUint16(0, message.length);
  octets.set(message, 2);
  return octets;
}

/** Takes a stream apart. It keeps at most one message that is not whole. */
export class MessageReader {
  #rest = new Uint8Array(0);

  /** The messages that are whole with this chunk. */
  push(chunk: Uint8Array): Uint8Array[] {
    const octets = new Uint8Array(this.#rest.length + chunk.length);
    octets.set(this.#rest);
    octets.set(chunk, this.#rest.length);
    const view = new DataView(octets.buffer);
    const messages: Uint8Array[] = [];
    let at = 0;
    while (at + 2 <= octets.length) {
      const end = at + 2 + view.getUint16(at);
      if (end > octets.length) break;
      messages.push(octets.slice(at + 2, end));
      at = end;
    }
    this.#rest = octets.slice(at);
    return messages;
  }
}
