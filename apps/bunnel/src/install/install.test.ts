import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { launchd, systemd, windows, type ServiceCommand } from "./index.ts";

const plain: ServiceCommand = { program: ["/usr/bin/env"], profile: undefined, words: [] };
const awkward: ServiceCommand = {
  program: ["/usr/bin/env", "/opt/my programs/main.ts"],
  profile: '/etc/a "b" 100% $HOME\\c.toml',
  words: ["--uplink", "eth0"],
};

describe("systemd", () => {
  test("the unit is taken by systemd itself, and is rated well", async () => {
    const folder = mkdtempSync(join(tmpdir(), "bunnel-test-"));
    const path = join(folder, "bunnel.service");
    writeFileSync(path, systemd.define(plain));
    const verify = Bun.spawnSync(["systemd-analyze", "verify", "--man=no", path]);
    expect(
      verify.stderr
        .toString()
        .split("\n")
        .filter((text) => text.includes("bunnel.service")),
    ).toEqual([]);
    const rating = Bun.spawnSync(["systemd-analyze", "security", "--offline=true", "--no-pager", path]);
    const [, exposure] = /Overall exposure level for bunnel\.service: ([\d.]+)/u.exec(rating.stdout.toString()) ?? [];
    // 0 is locked up, 10 open; most services of a system are at 9.
    expect(Number(exposure)).toBeLessThan(3.5);
    rmSync(folder, { recursive: true });
  });

  test("words come back as they were", () => {
    expect(systemd.define(awkward)).toContain(
      'ExecStart=/usr/bin/env "/opt/my programs/main.ts" up --profile "/etc/a \\"b\\" 100%% $$HOME\\\\c.toml" ' +
        "--uplink eth0 --state-dir /run/bunnel\n",
    );
  });

  test("what knows processes by name may load the program for it, and others may not", () => {
    expect(systemd.define(plain)).not.toMatch(/bpf/iu);
    const text = systemd.define({ ...plain, bpf: true });
    expect(text).toContain("AmbientCapabilities=CAP_NET_ADMIN CAP_NET_RAW CAP_BPF\n");
    expect(text).toMatch(/^SystemCallFilter=seccomp .* bpf$/mu);
  });

  test("without nftables it may set what it must", () => {
    expect(systemd.define(plain)).toContain("\nProtectKernelTunables=yes\n");
    const rules = { ...plain, words: ["--method", "rules"] };
    expect(systemd.define(rules)).toContain("\nProtectKernelTunables=no\n");
  });
});

describe("launchd", () => {
  test("the definition is XML whose words are those of the command", () => {
    const text = launchd.define({ ...plain, profile: "/etc/a&b<c>.toml" });
    expect(text).toContain("<string>/etc/a&amp;b&lt;c&gt;.toml</string>");
    const read = Bun.spawnSync(
      ["python3", "-c", "import plistlib, json, sys; print(json.dumps(plistlib.load(sys.stdin.buffer)))"],
      {
        stdin: new TextEncoder().encode(text),
      },
    );
    expect(JSON.parse(read.stdout.toString())).toMatchObject({
      Label: "org.bunnel.daemon",
      ProgramArguments: ["/usr/bin/env", "up", "--profile", "/etc/a&b<c>.toml"],
      RunAtLoad: true,
      KeepAlive: { SuccessfulExit: false },
      Umask: 0o077,
    });
  });
});

describe("windows", () => {
  test("the service's command line is one word, quoted as Windows reads it", () => {
    const command = { program: ["C:\\Program Files\\bunnel.exe"], profile: "C:\\a b\\", words: ['x"y'] };
    const [create] = windows.enable(command);
    expect(create?.[4]).toBe('"C:\\Program Files\\bunnel.exe" service run -- --profile "C:\\a b\\\\" "x\\"y"');
    expect(windows.define(plain)).toStartWith(
      'sc.exe create bunnel binPath= "/usr/bin/env service run --" start= auto',
    );
  });
});
