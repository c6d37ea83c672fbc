// needs root: the program is started with the privileges that the examples give it
// The examples for containers hold what Kubernetes reads, and the program runs with the rights that they give it.
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseProfile } from "@bunnel/profile";
import { PROGRAM, run, TempFolder } from "../cli/run.ts";

const FOLDER = join(import.meta.dirname, "../../docs/deploy");
const UPLINK =
  "ip link add up0 type veth peer name up1 && ip address add 203.0.113.2/24 dev up0 && " +
  "ip link set up0 up && ip link set up1 up && ip route add default via 203.0.113.1";

interface Container {
  readonly name: string;
  readonly args: readonly string[];
  readonly securityContext: {
    readonly allowPrivilegeEscalation: boolean;
    readonly capabilities: { readonly drop: readonly string[]; readonly add: readonly string[] };
  };
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
}

interface PodSpec {
  readonly initContainers?: readonly Container[];
  readonly containers: readonly Container[];
  readonly volumes: readonly { readonly name: string }[];
}

type Resource = Readonly<Record<string, unknown>> & { readonly kind: string };

function resources(name: string): readonly Resource[] {
  return [Bun.YAML.parse(readFileSync(join(FOLDER, name), "utf8"))].flat() as Resource[];
}

function podOf(name: string): PodSpec {
  const resource = resources(name).at(-1) as unknown as {
    readonly spec: PodSpec | { readonly template: { spec: PodSpec } };
  };
  return "template" in resource.spec ? resource.spec.template.spec : resource.spec;
}

function bunnelOf(name: string): Container {
  const { initContainers = [], containers } = podOf(name);
  const found = [...initContainers, ...containers].find((container) => container.name === "bunnel");
  if (found === undefined) throw new Error(`${name}: expected a container bunnel, found none`);
  return found;
}

test("the daemon set's profile is one that the program takes", () => {
  const [config] = resources("daemonset.yaml") as unknown as readonly [{ readonly data: Record<string, string> }];
  expect(parseProfile(config.data["profile.toml"] ?? "").rules).toHaveLength(1);
});

describe.each(["daemonset.yaml", "sidecar.yaml"])("%s", (name) => {
  test("mounts what it declares, and the device", () => {
    const { volumeMounts } = bunnelOf(name);
    const declared = podOf(name).volumes.map((volume) => volume.name);
    expect(declared).toEqual(expect.arrayContaining(volumeMounts.map((mount) => mount.name)));
    expect(volumeMounts.map((mount) => mount.mountPath)).toEqual(
      expect.arrayContaining(["/dev/net/tun", "/run/bunnel"]),
    );
  });

  test("gives the rights that the program needs, without a way to more", async () => {
    const { securityContext } = bunnelOf(name);
    const { capabilities, allowPrivilegeEscalation } = securityContext;
    expect({ allowPrivilegeEscalation, drop: capabilities.drop }).toEqual({
      allowPrivilegeEscalation: false,
      drop: ["ALL"],
    });
    const bounds = ["-all", ...capabilities.add.map((each) => `+${each.toLowerCase()}`)].join(",");
    using folder = new TempFolder();
    const state = folder.file("state");
    const limited = `setpriv --no-new-privs --bounding-set ${bounds} --inh-caps -all -- `;
    const script = [
      UPLINK,
      `${limited} ${PROGRAM.join(" ")} up --json --state-dir ${state} > ${folder.file("up")} 2>&1 &`,
      `for i in $(seq 100); do [ -s ${folder.file("up")} ] && break; sleep 0.1; done`,
      `${PROGRAM.join(" ")} down --state-dir ${state}; wait; cat ${folder.file("up")}`,
    ].join("\n");
    const { out } = await run(["unshare", "-n", "sh", "-c", script]);
    expect(out).toContain('{"up":true');
    expect(out).toContain('{"up":false');
  });
});

test("the image holds the executable of a release and starts it", () => {
  const text = readFileSync(join(FOLDER, "Containerfile"), "utf8");
  expect(text).toContain("FROM scratch\nCOPY image/ /\n");
  expect(text).toContain('ENTRYPOINT ["/usr/local/bin/bunnel"]\nCMD ["up"]\n');
});
