// Proof level golden: what the table says equals what Windows' headers say, as mingw-w64 has them, by its compiler.
import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WINDOWS } from "./numbers.win32.ts";
import { findSource, INDEX_AT, ROW_BYTES, ROWS_AT, SKIP_AS_SOURCE_AT, STATE_AT } from "./windows/source-address.ts";

// A busy machine compiles slowly.
setDefaultTimeout(120_000);

const COMPILER = Bun.which("x86_64-w64-mingw32-gcc-posix");
const { polling, outside, errors, SO_REUSEADDR, platform: _, hasAddressLength: __, ...numbers } = WINDOWS;
const [ipv4, ipv6] = outside.deviceIndex ?? [];
/** Names that both systems have; asm-generic/errno.h. */
const ERRORS = {
  ...{ INTR: 4, WOULDBLOCK: 11, INPROGRESS: 115, ADDRINUSE: 98, CONNRESET: 104, TIMEDOUT: 110, CONNREFUSED: 111 },
};
const ROW = "MIB_UNICASTIPADDRESS_ROW";

/** Names of the headers, or other expressions, and what the tables have for them. */
const STATEMENTS: readonly (readonly [expression: string, value: number | undefined])[] = [
  ...Object.entries(numbers).filter(([name]) => !["TCP_KEEPIDLE", "MSG_NOSIGNAL"].includes(name)),
  ["~SO_REUSEADDR", SO_REUSEADDR],
  ["sizeof(WSAPOLLFD)", polling.entryBytes],
  ["offsetof(WSAPOLLFD, events)", 8],
  ["POLLRDNORM", polling.POLLIN],
  ["POLLWRNORM", polling.POLLOUT],
  ["POLLERR", polling.POLLERR],
  ["POLLHUP", polling.POLLHUP],
  ["IP_UNICAST_IF", ipv4?.[1]],
  ["IPPROTO_IP", ipv4?.[0]],
  ["IPV6_UNICAST_IF", ipv6?.[1]],
  ["IPPROTO_IPV6", ipv6?.[0]],
  ["sizeof(struct linger)", 4],
  ...Object.entries(ERRORS).map(([name, linux]) => {
    return [`WSAE${name}`, Number(Object.keys(errors).find((key) => errors[Number(key)] === linux))] as const;
  }),
  ["offsetof(MIB_UNICASTIPADDRESS_TABLE, Table)", ROWS_AT],
  [`sizeof(${ROW})`, ROW_BYTES],
  [`offsetof(${ROW}, InterfaceIndex)`, INDEX_AT],
  [`offsetof(${ROW}, SkipAsSource)`, SKIP_AS_SOURCE_AT],
  [`offsetof(${ROW}, DadState)`, STATE_AT],
  ["offsetof(SOCKADDR_IN, sin_addr)", 4],
  ["offsetof(SOCKADDR_IN6, sin6_addr)", 8],
];
if (COMPILER === null) {
  test("mingw-w64 cannot be had on this machine, so nothing is compared", () => expect(COMPILER).toBeNull());
} else {
  test("the numbers of Windows are those of its headers", () => {
    const folder = mkdtempSync(join(tmpdir(), "bunnel-winsock-"));
    try {
      expect(compile(folder, STATEMENTS)).toBe("");
      // The compiler does look: a statement that is not so is an error.
      expect(compile(folder, [["IP_UNICAST_IF", 32]])).toContain("IP_UNICAST_IF");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
}

/** What the compiler says of the statements that are not so. */
function compile(folder: string, statements: typeof STATEMENTS): string {
  const includes = ["winsock2.h", "ws2ipdef.h", "ws2tcpip.h", "iphlpapi.h", "netioapi.h"];
  const lines = [
    ...includes.map((header) => `#include <${header}>`),
    ...statements.map(
      ([text, value]) => `_Static_assert((long long)(${text}) == ${value}LL, ${JSON.stringify(text)});`,
    ),
  ];
  writeFileSync(join(folder, "numbers.c"), `${lines.join("\n")}\n`);
  const words = [
    "-std=c11",
    "-D_WIN32_WINNT=0x0a00",
    "-DWIN32_LEAN_AND_MEAN",
    "-c",
    "-o",
    join(folder, "numbers.o"),
    join(folder, "numbers.c"),
  ];
  return Bun.spawnSync([COMPILER ?? "", ...words]).stderr.toString();
}

test("the address of an interface is taken from its preferred ones, and none of the link's own", () => {
  const row = (family: number, index: number, address: string, state = 4, skip = 0): Uint8Array => {
    const octets = new Uint8Array(ROW_BYTES);
    const view = new DataView(octets.buffer);
    view.setUint16(0, family, true);
    octets.set(Uint8Array.fromHex(address), family === 2 ? 4 : 8);
    view.setUint32(INDEX_AT, index, true);
    view.setUint8(SKIP_AS_SOURCE_AT, skip);
    view.setUint32(STATE_AT, state, true);
    return octets;
  };
  const [wanted, tentative, linkLocal] = [
    `20010db8${"0".repeat(23)}1`,
    `20010db8${"0".repeat(23)}2`,
    `fe80${"0".repeat(28)}`,
  ];
  const rows = [
    row(23, 7, linkLocal),
    row(23, 7, tentative, 1),
    row(23, 7, tentative, 4, 1),
    row(23, 8, tentative),
    row(2, 7, "a9fe0001"),
    row(2, 7, "c0000207"),
    row(23, 7, wanted),
  ];
  const table = new Uint8Array(Buffer.concat([new Uint8Array(ROWS_AT), ...rows]));
  expect(findSource(table, 7, 23)?.toHex()).toBe(wanted);
  expect(findSource(table, 7, 2)?.toHex()).toBe("c0000207");
  expect(findSource(table, 9, 2)).toBeUndefined();
});
