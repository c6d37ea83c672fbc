// needs root: only root has privileges to give up
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DENIED, systemCallFilter } from "./filter.ts";
import { findServiceUser } from "./service-user.ts";

interface Said {
  readonly report: unknown;
  readonly threads: readonly Readonly<Record<string, string>>[];
  readonly tried: Readonly<Record<string, string>>;
}

const SUBJECT = join(import.meta.dir, "drop-subject.ts");

/** Drops privileges in a process of its own that has several threads, and says how it is afterwards. */
async function drop(user: string): Promise<Said> {
  const child = Bun.spawn([process.execPath, SUBJECT, user], { stdout: "pipe", stderr: "pipe" });
  const [out, err, status] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  expect({ status, err }).toEqual({ status: 0, err: "" });
  return JSON.parse(out) as Said;
}

describe("dropPrivileges()", () => {
  test("changes user and group of every thread, and leaves the main one a capability", async () => {
    const { report, threads } = await drop("54321:54322");
    expect(report).toEqual({
      user: { name: "54321", uid: 54321, gid: 54322 },
      capabilities: ["CAP_NET_ADMIN"],
      refusedCalls: DENIED.length,
    });
    expect(threads.length).toBeGreaterThan(3);
    const admin = "0000000000001000";
    // A thread that the main one started afterwards, as the run-time does for its compilers, has what that has.
    const capabilities = (thread: Readonly<Record<string, string>>) => [thread["CapPrm"], thread["CapEff"]].join(" ");
    const [main = "", ...others] = threads.map(capabilities);
    expect(main).toBe(`${admin} ${admin}`);
    const none = "0000000000000000";
    expect([main, `${none} ${none}`]).toEqual(expect.arrayContaining([...new Set(others)]));
    expect(others).toContain(`${none} ${none}`);
    for (const thread of threads) {
      expect(thread).toMatchObject({
        Uid: "54321 54321 54321 54321",
        Gid: "54322 54322 54322 54322",
        Groups: "",
        CapInh: "0000000000000000",
        CapAmb: "0000000000000000",
        NoNewPrivs: "1",
        Seccomp: "2",
      });
    }
    expect(threads[0]).toMatchObject({ CapBnd: "0000000000001000" });
  });

  test("afterwards nothing is started, nobody's file is read, and routes can still be changed", async () => {
    const { tried } = await drop("54321");
    expect(tried["spawn"]).toContain("EPERM");
    expect(tried).toMatchObject({
      shadow: "EACCES",
      rawSocket: expect.stringContaining("needs CAP_NET_RAW"),
      becomeRoot: "EPERM",
      netlink: "done",
      worker: "answered",
      owner: "0",
    });
  });

  test("root stays root, and gives up the rest", async () => {
    const { report, threads, tried } = await drop("root");
    expect(report).toMatchObject({ capabilities: [], refusedCalls: DENIED.length });
    for (const thread of threads) expect(thread).toMatchObject({ Uid: "0 0 0 0", NoNewPrivs: "1", Seccomp: "2" });
    expect(tried["spawn"]).toContain("EPERM");
    expect(tried).toMatchObject({ rawSocket: "done", netlink: "done" });
  });
});

describe("systemCallFilter()", () => {
  test.each(["x64", "arm64"] as const)("of %s jumps inside itself, and to the refusal", (arch) => {
    const filter = systemCallFilter(arch);
    const last = filter.length / 8 - 1;
    for (let i = 5; i < last - 1; i++) expect(i + 1 + (filter[i * 8 + 2] ?? 0)).toBe(last);
    expect(5 + (filter[4 * 8 + 2] ?? 0)).toBe(last);
  });

  test("has the numbers of this machine's own header", async () => {
    const names = DENIED.map(([name]) => name);
    const source = `#include <sys/syscall.h>\n${names.map((name) => `${name} SYS_${name}`).join("\n")}\n`;
    const child = Bun.spawn(["gcc", "-E", "-P", "-"], { stdin: new TextEncoder().encode(source), stdout: "pipe" });
    const lines = (await child.stdout.text()).trim().split("\n");
    const arch = process.arch === "arm64" ? 2 : 1;
    expect(lines.slice(-names.length)).toEqual(DENIED.map((entry) => `${entry[0]} ${entry[arch]}`));
  });
});

describe("findServiceUser()", () => {
  const file = join(import.meta.dir, "passwd.sample");

  test("reads names and numbers, and takes nobody where nothing is said", () => {
    expect(findServiceUser("daemon", file)).toEqual({ name: "daemon", uid: 1, gid: 2 });
    expect(findServiceUser("1000", file)).toEqual({ name: "1000", uid: 1000, gid: 1000 });
    expect(findServiceUser("1000:100", file)).toEqual({ name: "1000", uid: 1000, gid: 100 });
    expect(findServiceUser(undefined, file)).toMatchObject({ uid: 0x7fffffff, gid: 0x7fffffff });
    expect(findServiceUser("root", file)).toBeUndefined();
    // An image that holds nothing but a program has no users either.
    expect(findServiceUser(undefined, `${file}.none`)).toMatchObject({ uid: 0x7fffffff, gid: 0x7fffffff });
    expect(readFileSync(file, "utf8")).not.toContain("bunnel:");
  });

  test("refuses who is not there, and root under another name", () => {
    expect(() => findServiceUser("demon", file)).toThrow(/^user "demon": expected one of .*passwd\.sample/u);
    expect(() => findServiceUser("toor", file)).toThrow("expected a user other than root");
    for (const text of ["4294967295", "00"]) expect(() => findServiceUser(text, file)).toThrow("expected a number");
    expect(() => findServiceUser("4294967295:1", file)).toThrow("user 4294967295: expected a number from 1");
  });
});
