import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { clientHello, tcpPacket } from "@bunnel/wire";
import { BOOK, describeSegments, drawPicture } from "./index.ts";
import { buildPages } from "./pages.ts";

setDefaultTimeout(240_000);

const DOCS = resolve(import.meta.dirname, "../../docs");
const CLIENT = { source: "192.0.2.7", destination: "203.0.113.9", sourcePort: 40000, destinationPort: 443 };
const SERVER = { source: "203.0.113.9", destination: "192.0.2.7", sourcePort: 443, destinationPort: 40000 };

describe("describeSegments()", () => {
  const syn = tcpPacket({ ...CLIENT, flags: "S", seq: 999 });
  const hello = clientHello({ serverName: "www.example.org" });
  const decoy = tcpPacket({
    ...{ ...CLIENT, flags: "PA", seq: 1000, hopLimit: 3 },
    payload: clientHello({ serverName: "www.example.com" }),
  });
  const first = tcpPacket({ ...CLIENT, flags: "A", seq: 1000, payload: hello.subarray(0, 10) });
  const rest = tcpPacket({ ...CLIENT, flags: "PA", seq: 1010, payload: hello.subarray(10) });
  const answer = tcpPacket({ ...SERVER, flags: "PA", seq: 1, payload: Uint8Array.of(22, 3, 3) });
  const later = tcpPacket({ ...CLIENT, flags: "PA", seq: 1600, payload: Uint8Array.of(23) });

  test("tells pieces, decoys and what arrives, up to the server's first octets", () => {
    const segments = describeSegments([syn, decoy, rest, first, answer, later], [syn, rest, first, later]);
    expect(segments).toEqual([
      {
        what: expect.stringMatching(/^octets 0–/u),
        name: "www.example.com",
        fooling: expect.any(String),
        arrives: false,
      },
      { what: `octets 10–${hello.length - 1}`, name: "www.example.org", arrives: true },
      { what: "octets 0–9", arrives: true },
    ]);
    expect(segments[0]?.fooling).toBe("hop limit 3: ends on the way");
  });

  test("wants to see how the connection began", () => {
    expect(() => describeSegments([first], [])).toThrow("capture: expected the SYN of a connection, found none");
  });
});

test("drawPicture() says in words what it shows, and takes no text for markup", () => {
  const picture = drawPicture("tls: <b>", [{ what: "octets 0–9", name: "a&b.example.org", arrives: true }]);
  expect(picture).toContain("octets 0–9, reads a&amp;b.example.org, arrives</title>");
  expect(picture).not.toContain("<b>");
});

test("the book has a picture for each of its chapters, and shows them", () => {
  const text = readFileSync(join(DOCS, "strategy-book.md"), "utf8");
  for (const { name } of BOOK) {
    expect(existsSync(join(DOCS, "pictures", `${name}.svg`))).toBe(true);
    expect(text).toContain(`](pictures/${name}.svg)`);
  }
});

describe("buildPages()", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "bunnel-site-"));
    expect(buildPages(folder, true)).toBe(0);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test("makes a page of every document", () => {
    for (const file of new Bun.Glob("*.md").scanSync(DOCS)) {
      expect(existsSync(join(folder, file.replace(/md$/u, "html")))).toBe(true);
    }
  });

  test("leads to every document", () => {
    const start = readFileSync(join(folder, "start.html"), "utf8");
    for (const file of new Bun.Glob("*.md").scanSync(DOCS)) {
      if (file !== "index.md") expect(start).toContain(`href="/${file.replace(/md$/u, "html")}"`);
    }
  });

  test("fetches nothing from elsewhere", () => {
    for (const file of new Bun.Glob("*.html").scanSync(folder)) {
      const text = readFileSync(join(folder, file), "utf8");
      expect(text).not.toMatch(/<(?:script|img|link|iframe)[^>]*(?:src|href)="(?:https?:)?\/\//u);
    }
  });
});
