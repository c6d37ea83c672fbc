// needs root: a service in a network namespace, and a folder that belongs to another user
// bunnel hosts: over the file where no service runs, through the control socket where one does.
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { Database } from "bun:sqlite";
import { chownSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Memory } from "bunnel/src/memory/memory.ts";
import { bunnel, TempFolder, type Ran } from "./run.ts";
import { RunningService } from "./running.ts";

setDefaultTimeout(60_000);

const HOST = "video.example.org";
const NOBODY = 1234;

class Folder extends TempFolder {
  readonly state = this.file("state");
  readonly database = join(this.state, "memory.sqlite");

  /** The state of a service that ran as somebody else. */
  constructor() {
    super();
    mkdirSync(this.state, { mode: 0o700 });
    chownSync(this.state, NOBODY, NOBODY);
  }

  /** Something that was learnt in another network. */
  remember(): void {
    const memory = Memory.open(this.database);
    memory.nameNetwork("cafe", "198.51.100.1 on wlan0", Date.now());
    const base = { network: "cafe", host: HOST, how: "probe", at: Date.now() } as const;
    memory.record({ ...base, strategy: "tls: split(1)", worked: true });
    memory.record({ ...base, strategy: "preset:default", worked: false, symptom: "reset" });
    memory.close();
    chownSync(this.database, NOBODY, NOBODY);
  }

  hosts(...words: readonly string[]): Promise<Ran> {
    return bunnel(["hosts", ...words, "--state-dir", this.state], ["unshare", "-n"]);
  }
}

describe("bunnel hosts, where no service runs", () => {
  test("makes no file to say that nothing is remembered", async () => {
    using folder = new Folder();
    expect(await folder.hosts()).toEqual({
      ...{ status: 0, err: "", out: "not in a network that can be told: nothing is remembered\n" },
    });
    expect(() => statSync(folder.database)).toThrow("ENOENT");
  });

  test("lists, pins, lets go and forgets, and leaves the file to who it belongs to", async () => {
    using folder = new Folder();
    folder.remember();
    const { out } = await folder.hosts("--everywhere");
    expect(out).toMatch(/video\.example\.org\s+tls: split\(1\)\s+1\s+0\s+\S+\s+works\n/u);
    expect(out).toMatch(/video\.example\.org\s+preset:default\s+0\s+1\s+\S+\s+failed by reset\n/u);
    expect((await folder.hosts("set", HOST, "preset:aggressive", "--everywhere")).out).toContain("is held to");
    expect((await folder.hosts()).out).toMatch(/preset:aggressive\s+0\s+0\s+-\s+pinned/u);
    const json = JSON.parse((await folder.hosts("--everywhere", "--json")).out) as { readonly hosts: unknown };
    expect(json.hosts).toMatchObject([
      { network: "*", host: HOST, pinned: "preset:aggressive" },
      { network: "cafe", host: HOST, tried: [{ strategy: "tls: split(1)" }, { symptom: "reset" }] },
    ]);
    expect((await folder.hosts("unset", HOST, "--everywhere")).out).toBe(`${HOST} is let go\n`);
    expect((await folder.hosts("forget", HOST, "--everywhere", "--json")).out).toBe('{"forgotten":2}\n');
    expect(statSync(folder.database)).toMatchObject({ uid: NOBODY, gid: NOBODY, mode: 0o100600 });
  });

  test.each([
    [["forget"], 2, "expected hosts, or --all"],
    [["forget", "--all", HOST], 2, "expected hosts, or --all"],
    [["set", "192.0.2.7", "pass", "--everywhere"], 2, "expected a name such as www.example.org"],
    [["set", HOST, "preset:agressive", "--everywhere"], 2, 'did you mean "aggressive"?'],
    [["set", HOST, "pass"], 1, "expected this machine to be in one"],
  ] as const)("%j: status %i, and says %s", async (words, status, says) => {
    using folder = new Folder();
    folder.remember();
    const ran = await folder.hosts(...words);
    expect({ status: ran.status, says: ran.err.includes(says) }).toEqual({ status, says: true });
  });

  test("a file of a newer bunnel is refused, a damaged one is put aside and said", async () => {
    using folder = new Folder();
    folder.remember();
    const newer = new Database(folder.database);
    newer.run("PRAGMA user_version = 77");
    newer.close();
    const refused = await folder.hosts();
    expect(refused).toMatchObject({ status: 1, err: expect.stringContaining("found version 77 of a newer bunnel") });
    writeFileSync(folder.database, "no database ".repeat(400));
    expect((await folder.hosts()).err).toBe(`it was damaged; what is left of it is ${folder.database}.damaged\n`);
  });
});

describe("bunnel hosts, beside a service", () => {
  test("asks the service, and what was set is in force", async () => {
    using folder = new TempFolder();
    await using service = await RunningService.start(folder);
    const set = ["hosts", "set", HOST, "tls: split(7)", "--everywhere"];
    expect(await service.json(set)).toEqual({ host: HOST, strategy: "tls: split(7)", everywhere: true });
    expect(await service.json(["rules"])).toMatchObject([{ strategy: "tls: split(7)" }, { name: "everything" }]);
    const bySockets = await service.json(["hosts", "set", HOST, "tls: tlsrec(1)", "--everywhere"]);
    expect(bySockets).toMatchObject({ strategy: "tls: tlsrec(1)" });
    expect(await service.json(["status"])).toMatchObject({ streamed: { open: 0 } });
    expect(await service.json(["hosts"])).toMatchObject({ hosts: [{ host: HOST, pinned: "tls: tlsrec(1)" }] });
    expect((await service.bunnel(["status"])).out).toMatch(/memory\s+0 hosts learnt, 1 pinned/u);
    expect(await service.json(["hosts", "forget", "--all", "--everywhere"])).toEqual({ forgotten: 1 });
    expect(await service.json(["rules"])).toMatchObject([{ name: "everything" }]);
  });
});
