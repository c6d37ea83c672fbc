// needs root: buildah, namespaces and a TUN device
// The image of docs/deploy/Containerfile: built by buildah, and the program in it carries traffic with exactly the
// rights that the examples give it.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { compile } from "./compile.ts";
import { layImage, PROGRAM_PLACE } from "./image.ts";

setDefaultTimeout(120_000);

const CONTAINERFILE = resolve(import.meta.dirname, "../../docs/deploy/Containerfile");
/** Those that buildah(1) gives without a word, and the program does not need. */
const DROPPED = [
  ...["DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "NET_BIND_SERVICE", "SETFCAP", "SYS_CHROOT"],
  ...["AUDIT_WRITE", "MKNOD"],
];
const NEEDED = ["NET_ADMIN", "NET_RAW", "SETUID", "SETGID", "SETPCAP", "CHOWN"];
/** The bits of those in linux/capability.h: 12, 13, 7, 6, 8, 0. */
const NEEDED_MASK = "00000000000031c1";
const ADMIN_MASK = "0000000000001000";

let folder: string;
let laid: readonly string[];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "bunnel-image-"));
  const executable = join(folder, "bunnel");
  await compile(executable);
  laid = layImage(executable, join(folder, "image"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(command: readonly string[], env: Readonly<Record<string, string>> = {}): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync([...command], { env: { ...process.env, ...env } });
  if (exitCode !== 0) throw new Error(`${command.join(" ")}: ${stdout.toString()}${stderr.toString()}`);
  return stdout.toString();
}

/** buildah with a store of its own, which goes with the folder. */
function buildah(...words: readonly string[]): string[] {
  const places = ["--root", join(folder, "store"), "--runroot", join(folder, "run"), "--storage-driver", "vfs"];
  return ["buildah", ...places, ...words];
}

test("layImage() takes the program and the libraries that it names, and nothing else", () => {
  const files = [...new Bun.Glob("**").scanSync({ cwd: join(folder, "image"), dot: true })];
  expect(files.map((file) => `/${file}`).toSorted()).toEqual([...laid].toSorted());
  expect(laid[0]).toBe(PROGRAM_PLACE);
  expect(laid.slice(1).every((path) => /\.so[.\d]*$/u.test(path))).toBe(true);
});

test("layImage() refuses what is no program of this machine", () => {
  expect(() => layImage(CONTAINERFILE, join(folder, "none"))).toThrow("expected an executable of this machine");
});

describe("the image", () => {
  test("is built, and the program in it goes up and down with the rights of the examples", () => {
    run(buildah("bud", "--isolation", "chroot", "--tag", "bunnel", "--file", CONTAINERFILE, folder));
    const inspected = JSON.parse(run(buildah("inspect", "--type", "image", "bunnel"))) as {
      readonly OCIv1: { readonly config: { readonly Entrypoint: readonly string[]; readonly Cmd: readonly string[] } };
    };
    expect(inspected.OCIv1.config).toMatchObject({ Entrypoint: [PROGRAM_PLACE], Cmd: ["up"] });
    const container = run(buildah("from", "--pull-never", "bunnel")).trim();
    const rights = [
      ...DROPPED.flatMap((name) => ["--cap-drop", `CAP_${name}`]),
      ...NEEDED.flatMap((name) => ["--cap-add", `CAP_${name}`]),
    ];
    const inside = buildah("run", "--isolation", "chroot", ...rights, container, "--", PROGRAM_PLACE).join(" ");
    const said = join(folder, "said");
    const script = [
      "ip link add up0 type veth peer name up1 && ip address add 203.0.113.2/24 dev up0 && ip link set lo up",
      "ip link set up0 up && ip link set up1 up && ip route add default via 203.0.113.1",
      "before=$(ip rule; ip -6 rule; ip -o link)",
      `timeout 60 ${inside} up --json > ${said} 2>${said}.err &`,
      `for i in $(seq 300); do [ -s ${said} ] && break; sleep 0.1; done`,
      `pid=$(sed -n 's/.*"pid":\\([0-9]*\\).*/\\1/p' ${said})`,
      "parent=$(sed -n 's/^PPid:[^0-9]*//p' /proc/$pid/status)",
      "grep -h -e ^Cap -e ^NoNewPrivs -e ^Uid /proc/$pid/status; grep -h ^CapBnd /proc/$parent/status",
      // As `podman stop` does it: no other root than the host's may look into the state of nobody.
      `kill -TERM $pid; wait; cat ${said}`,
      '[ "$before" = "$(ip rule; ip -6 rule; ip -o link)" ] && echo CLEAN',
    ].join("\n");
    const out = run(["unshare", "-n", "sh", "-c", script]);
    expect(out).toContain('{"up":true');
    expect(out).toContain('{"up":false');
    expect(out).toContain("CLEAN");
    // Once it is up it is nobody, and has what following the network takes.
    expect(out).toContain("NoNewPrivs:\t1\n");
    expect(out).toContain(`CapEff:\t${ADMIN_MASK}\n`);
    expect(out).not.toMatch(/^Uid:\t0/mu);
    expect(out).toContain(`CapBnd:\t${NEEDED_MASK}\n`);
  });

  test("does not go up with a right less", () => {
    const container = run(buildah("from", "--pull-never", "bunnel")).trim();
    const words = ["run", "--isolation", "chroot", "--cap-drop", "CAP_NET_RAW", container, "--", PROGRAM_PLACE, "up"];
    expect(() => run(["unshare", "-n", ...buildah(...words)])).toThrow("CAP_NET_ADMIN");
  });
});
