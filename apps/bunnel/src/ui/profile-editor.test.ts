import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ControlServer } from "../control/server.ts";
import { ProfileEditor } from "./profile-editor.ts";

const RIGHT = '[[rule]]\nname = "a"\nstrategy = "pass"\n';
const LONGER = `${RIGHT}[[rule]]\nname = "b"\nstrategy = "tls: split(1)"\n`;

let folder: string;
let path: string;
let socket: string;
let refused: string | undefined;
let reloads: string[];
let server: ControlServer;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "bunnel-test-"));
  path = join(folder, "profile.toml");
  socket = join(folder, "control.sock");
  refused = undefined;
  reloads = [];
  writeFileSync(path, RIGHT);
  await serve([path]);
});

afterEach(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

async function serve(files: readonly string[]): Promise<void> {
  server = await ControlServer.open(socket, {
    profile: () => ({ source: files[0] ?? "built in", text: "printed", files }),
    reload: () => {
      reloads.push(readFileSync(path, "utf8"));
      if (refused !== undefined) throw new Error(refused);
    },
  });
}

describe("ProfileEditor", () => {
  test("reads the file, and writes one that is longer or shorter before it has the service read it", async () => {
    using editor = await ProfileEditor.open(socket);
    expect(await editor.read()).toEqual({ source: path, path, text: RIGHT });
    expect(await editor.apply(LONGER)).toMatchObject({ ok: true });
    expect(readFileSync(path, "utf8")).toBe(LONGER);
    expect(await editor.apply(RIGHT)).toMatchObject({ ok: true });
    expect(readFileSync(path, "utf8")).toBe(RIGHT);
    expect(reloads).toEqual([LONGER, RIGHT]);
  });

  test("writes nothing that is wrong, and says where it is", async () => {
    using editor = await ProfileEditor.open(socket);
    const answer = await editor.apply('[[rule]]\nname = "a"\nstrategy = "tls: splt(1)"\n');
    expect(answer).toMatchObject({ ok: false, problems: [{ line: 3, column: 18 }] });
    expect(editor.check("[[rule]\n")).toMatchObject({ ok: false, problems: [{ line: 1 }] });
    expect(reloads).toEqual([]);
    expect(readFileSync(path, "utf8")).toBe(RIGHT);
  });

  test("puts back what was there when the service refuses it", async () => {
    using editor = await ProfileEditor.open(socket);
    refused = "a rule with ttl=auto needs a tap";
    expect(await editor.apply(LONGER)).toEqual({ ok: false, problems: [{ message: refused }] });
    expect(readFileSync(path, "utf8")).toBe(RIGHT);
  });

  test("does not write to a file that another one has taken the place of", async () => {
    using editor = await ProfileEditor.open(socket);
    writeFileSync(join(folder, "new"), LONGER);
    renameSync(join(folder, "new"), path);
    const answer = await editor.apply(RIGHT);
    expect(answer).toMatchObject({ ok: false, problems: [{ message: expect.stringContaining("was replaced") }] });
    expect(readFileSync(path, "utf8")).toBe(LONGER);
  });

  test("reads what the service says where there is no file, none that can be written, or a link", async () => {
    server.close();
    await serve([]);
    using without = await ProfileEditor.open(socket);
    expect(await without.read()).toMatchObject({ text: "printed", readOnly: expect.stringContaining("--profile") });
    expect(await without.apply(RIGHT)).toMatchObject({ ok: false });
    server.close();
    const link = join(folder, "link.toml");
    symlinkSync(path, link);
    await serve([link]);
    using linked = await ProfileEditor.open(socket);
    expect(await linked.read()).toMatchObject({ readOnly: expect.stringContaining("may not be written") });
    expect(await linked.apply(LONGER)).toMatchObject({ ok: false });
    expect(readFileSync(path, "utf8")).toBe(RIGHT);
  });

  test("where no service answers there is nothing to read, and a text can be checked all the same", async () => {
    server.close();
    using editor = await ProfileEditor.open(socket);
    expect(await editor.read()).toMatchObject({ source: "no service", text: "" });
    expect(editor.check(LONGER)).toMatchObject({ ok: true, rules: [{ name: "a" }, { name: "b" }] });
  });
});
