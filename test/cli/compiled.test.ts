// The program as one executable, run where none of its sources are.
import { beforeAll, afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { run, TempFolder } from "./run.ts";

setDefaultTimeout(60_000);

const COMPILE = join(import.meta.dirname, "../../tools/release/compile.ts");

let folder: TempFolder;
let program: string;

beforeAll(async () => {
  folder = new TempFolder();
  program = folder.file("bunnel");
  const built = await run([process.execPath, COMPILE, program]);
  expect(built).toMatchObject({ status: 0, err: "" });
});
afterAll(() => folder[Symbol.dispose]());

describe("the executable", () => {
  test("goes up and down in a namespace, with its Worker and its engine inside", async () => {
    const state = `--state-dir ${folder.file("state")}`;
    const script = [
      "ip link set lo up && ip link add up0 type veth peer name up1 && ip address add 203.0.113.2/24 dev up0",
      "ip link set up0 up && ip link set up1 up && ip route add default via 203.0.113.1",
      `cd / && before=$(ip rule; ip -6 rule; ip -o link)`,
      `${program} up --json ${state} > ${folder.file("up")} 2>&1 &`,
      `for i in $(seq 100); do [ -s ${folder.file("up")} ] && break; sleep 0.1; done`,
      `${program} status --json ${state}`,
      `${program} down ${state}; echo "down $?"`,
      `wait; cat ${folder.file("up")}`,
      `[ "$before" = "$(ip rule; ip -6 rule; ip -o link)" ] && echo CLEAN`,
    ].join("\n");
    const { out, err } = await run(["unshare", "-n", "sh", "-c", script]);
    expect(err).toBe("");
    const lines = out.split("\n");
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({ running: true, device: "bunnel0", uplinks: ["up0"] });
    expect(lines).toContain("down 0");
    expect(lines).toContain("CLEAN");
    expect(out).toContain('{"up":true');
    expect(out).toContain('{"up":false');
  });

  test("searches in threads, against a censor in a file beside it", async () => {
    const path = folder.file("mine.ts");
    const judge = "judge: (p, d) => ({ forward: d === 'inbound' || !Buffer.from(p).includes(blocked[0]) })";
    await Bun.write(path, `export default ({ blocked }) => ({ name: "mine", says: "", reset() {}, ${judge} });\n`);
    const search = [program, "lab", "evolve", "--censor", path, "--workers", "2", "--json"];
    const { status, out, err } = await run(search);
    expect({ status, err }).toEqual({ status: 0, err: "" });
    expect(JSON.parse(out)).toMatchObject({ strategy: expect.stringMatching(/^(tls|syn): /) });
  });

  test("serves the dashboard, whose files are in it", async () => {
    const words = [program, "ui", "--port", "0", "--json", "--state-dir", folder.file("none")];
    const ui = Bun.spawn(words, { cwd: "/", stdin: "ignore", stdout: "pipe" });
    const { value } = await ui.stdout.getReader().read();
    const { origin } = new URL((JSON.parse(new TextDecoder().decode(value)) as { readonly url: string }).url);
    const page = await (await fetch(origin)).text();
    const [, script = ""] = /src="([^"]+\.js)"/u.exec(page) ?? [];
    expect((await (await fetch(new URL(script, origin))).text()).length).toBeGreaterThan(50_000);
    ui.kill("SIGTERM");
    expect(await ui.exited).toBe(0);
  });

  test("says how it is used", async () => {
    expect(await run([program, "help"])).toMatchObject({ status: 0, err: "", out: expect.stringContaining("up") });
  });
});

test("tools/release/compile.ts without a file says what it wants", async () => {
  expect(await run([process.execPath, COMPILE])).toMatchObject({
    status: 2,
    err: "compile: expected the file to write, found none\n",
  });
});
