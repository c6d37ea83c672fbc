// The answer to one request over HTTP/1.1, as far as a probe wants it: status, where it leads, and how many octets of
// body come (RFC 9112). Nothing of the body is kept.

const HEAD_MAX_BYTES = 32 * 1024;
/** Behind the last chunk (RFC 9112 section 7.1). */
const LAST_CHUNK = "\r\n0\r\n\r\n";

/** Reads octets as they come. */
export class HttpAnswer {
  status: number | undefined;
  location: string | undefined;
  bodyBytes = 0;
  /** The body has ended, by its length or its last chunk. */
  isWhole = false;
  /** What came is no HTTP. */
  isBroken = false;
  #head = "";
  #length: number | undefined;
  #isChunked = false;
  #tail = "";

  take(octets: Uint8Array): void {
    if (this.isBroken || this.isWhole) return;
    if (this.status !== undefined) return this.#takeBody(octets);
    this.#head += Buffer.from(octets).toString("latin1");
    const end = this.#head.indexOf("\r\n\r\n");
    if (end < 0) {
      this.isBroken = this.#head.length > HEAD_MAX_BYTES || !"HTTP/1.".startsWith(this.#head.slice(0, 7));
      return;
    }
    this.#readHead(this.#head.slice(0, end));
    const rest = Buffer.from(this.#head.slice(end + 4), "latin1");
    this.#head = "";
    if (!this.isBroken) this.#takeBody(rest);
  }

  /** The connection has ended in order: a body without a length ends with it. */
  finish(): void {
    if (this.status !== undefined && this.#length === undefined && !this.#isChunked) this.isWhole = true;
  }

  #readHead(head: string): void {
    const [first = "", ...lines] = head.split("\r\n");
    const status = /^HTTP\/1\.[01] (\d{3})(?: |$)/u.exec(first)?.[1];
    if (status === undefined) {
      this.isBroken = true;
      return;
    }
    this.status = Number(status);
    for (const line of lines) {
      const [, name = "", value = ""] = /^([^:]+):\s*(.*?)\s*$/u.exec(line) ?? [];
      if (/^location$/iu.test(name)) this.location = value;
      if (/^content-length$/iu.test(name) && /^\d+$/u.test(value)) this.#length = Number(value);
      if (/^transfer-encoding$/iu.test(name) && /chunked/iu.test(value)) this.#isChunked = true;
    }
    // RFC 9110 sections 15.3.5 and 15.4.5: these have none.
    if (this.status === 204 || this.status === 304) this.#length = 0;
    if (this.#isChunked) {
      this.#length = undefined;
      this.#tail = "\r\n";
    }
  }

  #takeBody(octets: Uint8Array): void {
    this.bodyBytes += octets.length;
    if (this.#length !== undefined && this.bodyBytes >= this.#length) this.isWhole = true;
    if (!this.#isChunked) return;
    this.#tail = (this.#tail + Buffer.from(octets.subarray(-LAST_CHUNK.length)).toString("latin1")).slice(
      -LAST_CHUNK.length,
    );
    if (this.#tail === LAST_CHUNK) this.isWhole = true;
  }
}

/** A request as browsers make it, for a host and a path. */
export function requestText(host: string, path: string): string {
  return [
    `GET ${path} HTTP/1.1`,
    `Host: ${host}`,
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36",
    "Accept: text/html,application/xhtml+xml,*/*;q=0.8",
    "Accept-Language: en-US,en;q=0.9",
    "Accept-Encoding: identity",
    "Connection: close",
    "",
    "",
  ].join("\r\n");
}
