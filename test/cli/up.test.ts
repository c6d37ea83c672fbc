// `bunnel up` where it cannot run: one clear sentence, a status, nothing left behind.
import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { bunnel, PROGRAM, run, TempFolder } from "./run.ts";

/** A namespace with an uplink: a veth pair with a default route in it. */
const WITH_UPLINK = [
  "ip link set lo up",
  "ip link add up0 type veth peer name up1",
  "ip address add 203.0.113.2/24 dev up0",
  "ip link set up0 up",
  "ip link set up1 up",
  "ip route add default via 203.0.113.1",
].join(" && ");

/** Runs `bunnel up` in a new network namespace after these shell words, and says what rules and links were left. */
async function upAfter(setup: string, args: readonly string[], unshare: readonly string[] = ["-n"]) {
  const left = "ip -o link | wc -l; ip rule | wc -l; ip -6 rule | wc -l";
  // What differs afterwards is said on a line of its own.
  const after = `[ "$before" = "$(${left})" ] || echo LEFT`;
  const script = `${setup} && before=$(${left}); "$@"; status=$?; ${after}; exit $status`;
  return run(["unshare", ...unshare, "sh", "-c", script, "sh", ...PROGRAM, "up", ...args]);
}

describe("bunnel up", () => {
  test("without privilege: says which capabilities are needed", async () => {
    using folder = new TempFolder();
    const noCapabilities = ["unshare", "-n", "setpriv", "--inh-caps=-all", "--bounding-set=-all"];
    const ran = await bunnel(["up", "--state-dir", folder.file("state")], noCapabilities);
    expect(ran).toMatchObject({ status: 1, out: "" });
    expect(ran.err).toBe(
      "bunnel: carrying traffic needs CAP_NET_ADMIN and CAP_NET_RAW: run it as root, for example with sudo\n",
    );
    expect(existsSync(folder.file("state"))).toBe(false);
  });

  test("without /dev/net/tun: says how to get it", async () => {
    using folder = new TempFolder();
    const ran = await upAfter(`mount -t tmpfs none /dev/net && ${WITH_UPLINK}`, ["--state-dir", folder.path], ["-mn"]);
    expect(ran).toMatchObject({ status: 1, out: "" });
    expect(ran.err).toMatch(/^bunnel: \/dev\/net\/tun does not exist: load the driver with `modprobe tun`.*\n$/u);
  });

  test("with a device name that is taken", async () => {
    using folder = new TempFolder();
    const setup = `${WITH_UPLINK} && ip link add taken0 type veth peer name taken1`;
    const ran = await upAfter(setup, ["--state-dir", folder.path, "--device", "taken0"]);
    expect(ran).toMatchObject({ status: 1, out: "" });
    expect(ran.err).toMatch(/^bunnel: .*taken0.*\n$/u);
  });

  test("without an uplink", async () => {
    using folder = new TempFolder();
    const ran = await upAfter("true", ["--state-dir", folder.path]);
    expect(ran).toMatchObject({ status: 1, out: "" });
    expect(ran.err).toMatch(/^bunnel: .*default route.*\n$/u);
  });

  test("with a broken profile: names file, line and column, and the nearest right key", async () => {
    using folder = new TempFolder();
    const profile = folder.file("profile.toml");
    await Bun.write(profile, '[[rule]]\nname = "a"\nstrategi = "pass"\n');
    const ran = await upAfter("true", ["--state-dir", folder.path, "--profile", profile]);
    expect(ran).toMatchObject({ status: 2, out: "" });
    expect(ran.err).toContain("strategy");
    expect(ran.err).toContain(`${profile}:3:1`);
    await Bun.write(profile, "[[rule]\n");
    expect((await upAfter("true", ["--profile", profile])).err).toContain(`${profile}:1:`);
  });

  test("with wrong words: usage and status 2", async () => {
    const ran = await bunnel(["up", "--method", "magic"]);
    expect(ran).toMatchObject({ status: 2, out: "" });
    expect(ran.err).toContain("expected auto, nft or rules");
    expect(await bunnel(["upp"])).toMatchObject({ status: 2 });
  });

  test("comes up, answers status, refuses a second one, and goes down by `bunnel down`", async () => {
    using folder = new TempFolder();
    const b = PROGRAM.join(" ");
    const state = `--state-dir ${folder.file("state")}`;
    const script = [
      `${WITH_UPLINK} && before=$(ip rule; ip -6 rule; ip -o link)`,
      `${b} up --json ${state} > ${folder.file("up")} 2>&1 &`,
      `for i in $(seq 100); do [ -s ${folder.file("up")} ] && break; sleep 0.1; done`,
      `${b} status --json ${state}; echo "status $?"`,
      `${b} up ${state}; echo "second $?"`,
      `${b} down ${state}; echo "down $?"`,
      `wait; cat ${folder.file("up")}`,
      `${b} status ${state}; echo "after $?"`,
      `[ "$before" = "$(ip rule; ip -6 rule; ip -o link)" ] && echo CLEAN`,
    ].join("\n");
    const { out, err } = await run(["unshare", "-n", "sh", "-c", script]);
    const lines = out.split("\n");
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({ running: true, device: "bunnel0", uplinks: ["up0"] });
    expect(lines[1]).toBe("status 0");
    expect(lines).toContain("second 1");
    expect(err).toContain("another bunnel is up");
    expect(lines).toContain("bunnel is down");
    expect(lines).toContain("down 0");
    expect(lines).toContain("after 3");
    expect(lines).toContain("CLEAN");
    expect(out).toContain('{"up":true');
    expect(out).toContain('{"up":false');
  });
});
