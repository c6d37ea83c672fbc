import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Supervisor } from "./supervisor.ts";

/** A manager's ear: prints each datagram as a line of JSON, and ends with the third. */
const LISTENER = `
import json, socket, sys
ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
ear.bind(sys.argv[1].replace("@", "\\0", 1))
print("listening", flush=True)
for _ in range(3): print(json.dumps(ear.recv(4096).decode()), flush=True)
`;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "bunnel-test-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("Supervisor", () => {
  test.each(["a path", "an abstract name"])("says what it has to say to %s", async (kind) => {
    const path = kind === "a path" ? join(folder, "notify") : `@bunnel-test-${crypto.randomUUID()}`;
    const ear = Bun.spawn(["python3", "-c", LISTENER, path], { stdout: "pipe", stderr: "ignore", timeout: 4000 });
    const heard = ear.stdout.getReader();
    let text = "";
    const hear = async (): Promise<boolean> => {
      const { value } = await heard.read();
      text += new TextDecoder().decode(value);
      return value !== undefined;
    };
    while (!text.startsWith("listening")) expect(await hear()).toBe(true);
    using supervisor = Supervisor.open({ NOTIFY_SOCKET: path });
    supervisor.ready("up");
    supervisor.alive();
    supervisor.stopping();
    while (await hear());
    expect(
      text
        .trim()
        .split("\n")
        .slice(1)
        .map((line): unknown => JSON.parse(line)),
    ).toEqual(["READY=1\nSTATUS=up", "WATCHDOG=1", "STOPPING=1"]);
  });

  test.each([undefined, "", "relative", "/no/such/socket", `/${"a".repeat(200)}`])(
    "is silent where %p listens",
    (path) => {
      using supervisor = Supervisor.open({ NOTIFY_SOCKET: path });
      supervisor.ready("up");
      supervisor.alive();
    },
  );
});
