import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { expect, test } from "bun:test";
import { openProfile } from "./profile-file.ts";

test("openProfile() gives a child the text by a path, and no file has a name", async () => {
  const before = readdirSync(tmpdir()).filter((name) => name.startsWith("bunnel-lab-"));
  using file = openProfile("version = 1\n");
  const child = Bun.spawn(["cat", file.childPath], { stdio: ["ignore", "pipe", "inherit", file.fd] });
  expect(await child.stdout.text()).toBe("version = 1\n");
  expect(readdirSync(tmpdir()).filter((name) => name.startsWith("bunnel-lab-"))).toEqual(before);
});
