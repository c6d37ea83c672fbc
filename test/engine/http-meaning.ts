// What a server makes of an HTTP/1 request (RFC 9112 sections 2.2 and 5.1): a line feed alone ends a line, names of
// fields and the host have no case, white space around a value does not count.
export interface HttpMeaning {
  readonly line: string;
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

/** What a request means: its line, its fields, its body. */
export function meaningOf(octets: Uint8Array): HttpMeaning {
  const text = Buffer.from(octets).toString("latin1");
  const [, head = "", body = ""] = /^(.*?\r?\n)\r?\n(.*)$/su.exec(text) ?? [];
  const [line = "", ...fields] = head.split(/\r?\n/u).slice(0, -1);
  const named = fields.map((field): readonly [string, string] => {
    const [name = "", value = ""] = field.split(/:(.*)/su);
    const isHost = name.toLowerCase() === "host";
    return [name.toLowerCase(), isHost ? value.trim().toLowerCase() : value.trim()];
  });
  return { line: line.trim(), fields: named, body };
}
