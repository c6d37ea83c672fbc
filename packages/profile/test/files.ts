// Files that profiles name, without a disk.
import { gzipSync } from "node:zlib";
import { clientHello } from "@bunnel/wire";
import { CERTIFICATES } from "./arbitrary-dns.ts";

const text = (lines: string) => new TextEncoder().encode(lines);

const FILES: Readonly<Record<string, Uint8Array>> = {
  "hosts.txt": text("# names\nVideo.example.org\n\n =www.example.org  # alone\n^old.example.org\nall:co.uk\r\n"),
  "lists/hosts.txt.gz": gzipSync(text("a.example.org\nb.example.org\n")),
  "empty.txt": text("# nothing yet\n"),
  "addresses.txt": text("203.0.113.0/25\n203.0.113.128/25 # the other half\n2001:DB8::/32\n192.0.2.7\n"),
  [CERTIFICATES.path]: text(CERTIFICATES.pem),
  "none.bin": new Uint8Array(0),
  "quic.bin": Uint8Array.from({ length: 1200 }, (_, index) => index & 0xff),
  "bin/stun.bin": Uint8Array.of(0, 1, 0, 0),
  "hello.bin": clientHello({ serverName: "a.example.org" }),
};

/** Gives the files above, and an error for any other. */
export function loadFile(path: string): Uint8Array {
  const octets = Object.hasOwn(FILES, path) ? FILES[path] : undefined;
  if (octets) return octets;
  throw new Error("no such file");
}
