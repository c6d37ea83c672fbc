// needs root: network namespaces and a TUN device
// A service at work: what it tells, how it takes another profile, what it may still do, what it leaves behind.
import { describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { PROGRAM, TempFolder } from "./run.ts";
import { RunningService } from "./running.ts";

const NOBODY = 0x7fffffff;
/** A start and several commands, each a process of its own. */
const TIMEOUT_MS = 60_000;

function profileText(strategy: string, more = ""): string {
  return `${more}\n[[rule]]\nname = "queries"\nhosts = ["example.org"]\nstrategy = "dns: ttl(9)  ${strategy}"\n`;
}

/** A folder that a profile can be read from by any user, with a profile in it. */
function withProfile(text: string): { readonly folder: TempFolder; readonly path: string } {
  const folder = new TempFolder();
  const path = folder.file("profile.toml");
  writeFileSync(path, text);
  return { folder, path };
}

/** A DNS query for an address of video.example.org, to the server that stands there. */
async function query(service: RunningService, to = "192.0.2.53"): Promise<void> {
  await service.inside(["dig", "+tries=1", "+timeout=1", `@${to}`, "video.example.org"]);
}

describe("a running service", () => {
  test(
    "tells its rules, flows and figures, for people and as JSON",
    async () => {
      const { folder, path } = withProfile(profileText("tls: split(1)"));
      using _folder = folder;
      await using service = await RunningService.start(folder, ["--profile", path]);
      await query(service);
      expect(await service.json(["rules"])).toEqual([
        {
          name: "queries",
          enabled: true,
          priority: 0,
          strategy: expect.stringContaining("dns: ttl(9)"),
          decided: 1,
          flows: 1,
        },
      ]);
      expect(await service.json(["flows", "--limit", "5"])).toMatchObject({
        total: 1,
        flows: [
          {
            protocol: "udp",
            source: expect.stringMatching(/^203\.0\.113\.2:\d+$/u),
            destination: "192.0.2.53:53",
            message: "dns",
            rule: "queries",
            planned: 1,
            packetsOut: 1,
          },
        ],
      });
      const status = { running: true, device: "bunnel0", profile: path, rules: 1, pid: service.pid, messagesDns: 1 };
      expect(await service.json(["status"])).toMatchObject(status);
      expect((await service.bunnel(["rules"])).out).toMatch(/^queries +on +0 +1 +1 +/mu);
      expect((await service.bunnel(["flows"])).out).toMatch(
        /^udp +203\.0\.113\.2:\d+ +192\.0\.2\.53:53 .*\n1 flow\n$/msu,
      );
      expect((await service.bunnel(["stats"])).out).toContain("1 DNS");
      expect((await service.bunnel(["top", "--once"])).out).toMatch(
        /^bunnel on bunnel0, nft on up0.*^queries +on +1 +1/msu,
      );
      expect(await service.json(["top"])).toMatchObject({
        status: { device: "bunnel0", messagesDns: 1 },
        rules: [{ name: "queries", decided: 1 }],
        flows: [{ destination: "192.0.2.53:53" }],
      });
      expect(await service.json(["metrics"])).toMatchObject({ status: { pid: service.pid }, rules: [{ decided: 1 }] });
      expect(await service.bunnel(["flows", "--limit", "0"])).toMatchObject({ status: 2, out: "" });
      expect(await service.end()).toBe(0);
    },
    TIMEOUT_MS,
  );

  test(
    "who may not ask it hears that, and not that it does not run",
    async () => {
      const { folder, path } = withProfile(profileText("tls: split(1)"));
      using _folder = folder;
      await using service = await RunningService.start(folder, ["--profile", path]);
      const powerless = ["setpriv", "--inh-caps=-all", "--bounding-set=-all", ...PROGRAM];
      const state = ["--state-dir", folder.file("state")];
      for (const words of [["status"], ["status", "--json"], ["flows"], ["reload", "--json"], ["stop"]]) {
        const { status, out, err } = await service.inside([...powerless, ...words, ...state]);
        expect({ status, said: `${out}${err}` }).toEqual({
          status: 1,
          said: expect.stringContaining("control.sock: only the service's user and root may open it"),
        });
      }
      expect(await service.json(["status"])).toMatchObject({ running: true });
      expect(await service.end()).toBe(0);
    },
    TIMEOUT_MS,
  );

  test(
    "without a service each command says so with status 3",
    async () => {
      using folder = new TempFolder();
      const { bunnel } = await import("./run.ts");
      for (const command of ["rules", "flows", "stats", "top", "reload"]) {
        const ran = await bunnel([command, "--state-dir", folder.file("none")]);
        expect(ran).toMatchObject({ status: 3, out: "" });
        expect(ran.err).toMatch(/^bunnel: not running: nobody answers at .*none\/control\.sock\n$/u);
      }
    },
    TIMEOUT_MS,
  );

  test(
    "takes another profile by command, by SIGHUP, and when the file changes",
    async () => {
      const { folder, path } = withProfile(profileText("tls: split(1)"));
      using _folder = folder;
      await using service = await RunningService.start(folder, ["--profile", path]);
      const strategies = async (): Promise<string[]> => {
        const rules = (await service.json(["rules"])) as { readonly strategy: string }[];
        return rules.map(({ strategy }) => strategy);
      };
      writeFileSync(path, profileText("tls: split(2)"));
      expect(await service.json(["reload"])).toEqual({ source: path, rules: 1, restart: [] });
      expect((await strategies())[0]).toContain("split(2)");
      writeFileSync(path, profileText("tls: split(3)"));
      process.kill(service.pid, "SIGHUP");
      await service.until(() => service.said.some(({ why }) => why === "SIGHUP"));
      expect((await strategies())[0]).toContain("split(3)");
      await Bun.sleep(1100);
      const before = service.said.length;
      writeFileSync(path, profileText("tls: split(4)"));
      await service.until(() => service.said.slice(before).some(({ why }) => why === "a file changed"));
      expect((await strategies())[0]).toContain("split(4)");
      await query(service);
      expect(await service.json(["status"])).toMatchObject({ messagesDns: 1, replaced: 1 });
    },
    TIMEOUT_MS,
  );

  test(
    "a wrong profile changes nothing and is said; keys for the next start are named",
    async () => {
      const { folder, path } = withProfile(profileText("tls: split(1)"));
      using _folder = folder;
      await using service = await RunningService.start(folder, ["--profile", path]);
      writeFileSync(path, profileText("tls: splat(1)"));
      const refused = await service.bunnel(["reload"]);
      expect(refused.status).toBe(1);
      expect(refused.err).toMatch(/profile\.toml:5:\d+: .*splat/u);
      const told = await service.bunnel(["reload", "--json"]);
      expect(told).toMatchObject({ status: 1, err: "" });
      expect(JSON.parse(told.out)).toMatchObject({ ok: false, error: expect.stringContaining("splat") });
      // Longer than a file that changed takes to be noticed: it is known already.
      await Bun.sleep(2500);
      expect(service.said).toHaveLength(1);
      expect(await service.json(["status"])).toMatchObject({ rules: 1, reloads: { refused: 2 } });
      expect(await service.json(["rules"])).toMatchObject([{ strategy: expect.stringContaining("split(1)") }]);
      writeFileSync(path, profileText("tls: split(1)", "[device]\nmtu = 1400\n[limits]\nmax_flows = 50"));
      expect(await service.json(["reload"])).toMatchObject({ restart: ["device.mtu", "limits.max_flows"] });
      expect((await service.bunnel(["reload"])).out).toMatch(
        /device\.mtu, limits\.max_flows will follow at the next start/u,
      );
    },
    TIMEOUT_MS,
  );

  test(
    "runs as nobody with one capability, and cleans up as that",
    async () => {
      const { folder, path } = withProfile(profileText("tls: split(1)"));
      using _folder = folder;
      await using service = await RunningService.start(folder, ["--profile", path]);
      const threads = readdirSync(`/proc/${service.pid}/task`).map((id) => {
        const text = readFileSync(`/proc/${service.pid}/task/${id}/status`, "utf8");
        const field = (name: string) => new RegExp(`^${name}:\\t(\\S+)`, "mu").exec(text)?.[1];
        return {
          id,
          uid: field("Uid"),
          effective: field("CapEff"),
          noNew: field("NoNewPrivs"),
          seccomp: field("Seccomp"),
        };
      });
      expect(threads.length).toBeGreaterThan(2);
      const [none, admin] = ["0000000000000000", "0000000000001000"];
      for (const { id, effective, ...thread } of threads) {
        expect(thread).toEqual({ uid: String(NOBODY), noNew: "1", seccomp: "2" });
        // Threads that the main one starts later have what it has.
        expect(id === String(service.pid) ? [admin] : [none, admin]).toContain(effective ?? "");
      }
      expect(threads.filter(({ effective }) => effective === none).length).toBeGreaterThan(1);
      expect(statSync(folder.file("state"))).toMatchObject({ uid: NOBODY, mode: 0o40700 });
      // What needs the capability, and the way of an answer to the tap, still work.
      writeFileSync(path, profileText("tls: fake(ttl=auto-1) split(1)  syn: window(1000)"));
      expect(await service.json(["reload"])).toMatchObject({ rules: 1 });
      const second = [
        "ip link add up2 type veth peer name up3",
        "ip link set up2 up",
        "ip link set up3 up",
        "ip address add 192.0.2.2/24 dev up2",
      ].join(" && ");
      await service.inside(["sh", "-c", second]);
      await service.inside(["ip", "route", "replace", "default", "via", "192.0.2.1", "dev", "up2"]);
      await service.inside(["ip", "-6", "route", "del", "default"]);
      let uplinks: unknown;
      for (let i = 0; i < 50 && JSON.stringify(uplinks) !== '["up2"]'; i++) {
        await Bun.sleep(50);
        ({ uplinks } = (await service.json(["status"])) as { readonly uplinks: unknown });
      }
      expect(uplinks).toEqual(["up2"]);
      const namespace = service.inside(["sh", "-c", "sleep 2; ip rule; ip -6 rule; nft list tables"]);
      expect(await service.end()).toBe(0);
      expect((await namespace).out).not.toMatch(/4000|bunnel/u);
      expect(readdirSync(folder.file("state")).toSorted()).toEqual(["audit.log", "memory.sqlite", "state.json.lock"]);
    },
    TIMEOUT_MS,
  );

  test(
    "after a kill the next start takes the folder back, and removes what does not belong there",
    async () => {
      const { folder, path } = withProfile(profileText("tls: split(1)"));
      using _folder = folder;
      const first = await RunningService.start(folder, ["--profile", path]);
      expect(await first.end("SIGKILL")).not.toBe(0);
      const state = folder.file("state");
      expect(readdirSync(state)).toContain("control.sock");
      // What a user that was taken over could leave there for root to stumble upon.
      const victim = folder.file("victim");
      writeFileSync(victim, "precious");
      for (const name of ["state.json", "audit.log"]) {
        if (existsSync(`${state}/${name}`)) unlinkSync(`${state}/${name}`);
        symlinkSync(victim, `${state}/${name}`);
      }
      await using second = await RunningService.start(folder, ["--profile", path]);
      expect(await second.json(["status"])).toMatchObject({ running: true });
      expect(await second.end()).toBe(0);
      expect(readFileSync(victim, "utf8")).toBe("precious");
      expect(statSync(victim).uid).toBe(0);
    },
    TIMEOUT_MS,
  );

  test(
    "a folder that the service's user cannot reach is refused, and a profile that it cannot read is said",
    async () => {
      using folder = new TempFolder();
      chmodSync(folder.path, 0o700);
      const closed = `expected one that user ${NOBODY} can reach, found ${folder.path} closed to it`;
      await expect(RunningService.start(folder)).rejects.toThrow(closed);
      chmodSync(folder.path, 0o755);
      const profile = folder.file("profile.toml");
      writeFileSync(profile, profileText("tls: split(1)"), { mode: 0o600 });
      await using service = await RunningService.start(folder, ["--profile", profile]);
      expect(service.said[0]).toMatchObject({ unreadable: [profile] });
      const refused = await service.bunnel(["reload"]);
      expect(refused.err).toMatch(/profile .*profile\.toml cannot be read: .*EACCES/u);
    },
    TIMEOUT_MS,
  );

  test(
    "somebody else's folder is refused",
    async () => {
      using folder = new TempFolder();
      Bun.spawnSync(["install", "-d", "-o", "12345", folder.file("state")]);
      writeFileSync(folder.file("state/letter"), "");
      await expect(RunningService.start(folder)).rejects.toThrow(
        /state directory .*: expected a directory of user 0, found one of 12345, with "letter" in it/u,
      );
      rmSync(folder.file("state"), { recursive: true });
      symlinkSync("/tmp", folder.file("state"));
      await expect(RunningService.start(folder)).rejects.toThrow(/state directory .* cannot be made/u);
    },
    TIMEOUT_MS,
  );

  test(
    "--user names who it is; a wrong one is refused before anything is touched",
    async () => {
      using folder = new TempFolder();
      await using service = await RunningService.start(folder, ["--user", "daemon"]);
      const [, uid] = /^Uid:\t(\d+)/mu.exec(readFileSync(`/proc/${service.pid}/status`, "utf8")) ?? [];
      expect(uid).toBe("1");
      using other = new TempFolder();
      await expect(RunningService.start(other, ["--user", "nosuchuser"])).rejects.toThrow('user "nosuchuser"');
      expect(existsSync(other.file("state"))).toBe(false);
    },
    TIMEOUT_MS,
  );

  test(
    "started by a service manager as a user with two capabilities, it keeps one",
    async () => {
      using folder = new TempFolder();
      const asUser = ["--user", "--net", "--map-user=54321", "--keep-caps"];
      await using service = await RunningService.start(folder, [], asUser);
      expect(service.said[0]).toMatchObject({ up: true, method: "nft" });
      const status = readFileSync(`/proc/${service.pid}/status`, "utf8");
      expect(status).toMatch(/^CapEff:\t0000000000001000$/mu);
      expect(status).toMatch(/^NoNewPrivs:\t1$/mu);
      expect(await service.end()).toBe(0);
      const said = service.err.trimEnd().split("\n");
      expect(said.map((line) => line.split(" ").slice(1, 3).join(" "))).toEqual(["info start", "info stop"]);
    },
    TIMEOUT_MS,
  );

  test(
    "notes each privileged operation in the audit log",
    async () => {
      using folder = new TempFolder();
      await using service = await RunningService.start(folder);
      await service.end();
      const lines = readFileSync(folder.file("state/audit.log"), "utf8").trim().split("\n");
      const entries = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
      expect(entries.map(({ operation }) => operation)).toEqual([
        "sweep",
        // By which DNS queries are answered.
        "open raw sockets",
        "open device",
        "open raw sockets",
        "open inbound tap",
        "intercept",
        "drop privileges",
        "stop intercepting",
        "end",
      ]);
      for (const entry of entries) expect(entry).toMatchObject({ pid: service.pid, time: expect.any(String) });
      expect(entries[2]).toMatchObject({ name: "bunnel0" });
      expect(entries[5]).toMatchObject({ method: "nft", uplinks: ["up0"] });
      expect(entries[6]).toMatchObject({ capabilities: ["CAP_NET_ADMIN"], user: { uid: NOBODY } });
      expect(statSync(folder.file("state/audit.log")).mode & 0o777).toBe(0o600);
    },
    TIMEOUT_MS,
  );
});
