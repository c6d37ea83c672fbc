// A machine with systemd as its first process, in namespaces of its own: what it writes lies in memory over the root
// of this one, its processes are counted in a cgroup of its own, and its network has one way out that leads nowhere.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { linesOf } from "@bunnel/tun-win32/proof";

const SYSTEMD = "/lib/systemd/systemd";
/** What a device tree needs; the rest of this machine's devices stay its own. */
const DEVICES = ["null", "zero", "full", "random", "urandom", "tty"];

/** `$1`: a folder. Ends with the machine's own systemd in the place of the shell. */
const BEGIN = `set -e
mount --make-rprivate /
mount -t tmpfs tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
cd "$1/root"
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
for folder in dev run tmp; do mount -t tmpfs tmpfs $folder; done
mkdir -p dev/net dev/pts dev/shm
for device in ${DEVICES.join(" ")}; do touch dev/$device; mount --bind /dev/$device dev/$device; done
# As udev makes it (50-udev-default.rules).
mknod -m 666 dev/net/tun c 10 200
mount -t devpts devpts dev/pts -o newinstance,ptmxmode=0666
# No unit of this machine, and nothing that its bunnel remembers: a folder of the layer below cannot be moved.
rm -rf etc/systemd/system etc/machine-id var/lib/bunnel var/lib/private
mkdir -p etc/systemd/system old
head -c 16 /dev/urandom | od -An -tx1 | tr -d " \\n" > etc/machine-id
ip link set lo up
ip link add uplink type veth peer name beyond
ip link set beyond up
ip address add 192.0.2.2/24 dev uplink
ip link set uplink up
ip route add default via 192.0.2.1
pivot_root . old
umount -l /old
exec env -i container=bunnel "PATH=$PATH" ${SYSTEMD} --system --log-target=null --unit=basic.target < /dev/null
`;

/** What a command in the machine came to. */
export interface Outcome {
  readonly status: number;
  /** Both outputs. */
  readonly text: string;
}

export class SystemdMachine implements AsyncDisposable {
  private constructor(
    private readonly folder: string,
    private readonly cgroups: string,
    private readonly group: string,
    private readonly child: Bun.Subprocess<"ignore", "pipe", "inherit">,
    private readonly pid: number,
  ) {}

  /** Starts one, and waits until its manager answers. @throws Error when it does not come up */
  static async start(): Promise<SystemdMachine> {
    const folder = mkdtempSync(join(tmpdir(), "bunnel-systemd-"));
    const cgroups = join(folder, "cgroups");
    const root = join(folder, "machine");
    for (const made of [cgroups, root]) mkdirSync(made);
    must(["mount", "-t", "cgroup2", "cgroup2", cgroups]);
    const group = join(cgroups, `bunnel-${crypto.randomUUID()}`);
    mkdirSync(group);
    const enter =
      'echo $$ > "$2/cgroup.procs" && exec unshare --cgroup --mount --pid --net --uts --ipc --fork --kill-child';
    const outer = `${enter} sh -c 'echo started; exec sh -c "$0" sh "$1"' "$0" "$1"`;
    const child = Bun.spawn(["sh", "-c", outer, BEGIN, root, group], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "inherit",
    });
    await linesOf(child.stdout).until("started");
    const pid = childOf(child.pid);
    const machine = new SystemdMachine(folder, cgroups, group, child, pid);
    await machine.#isUp();
    return machine;
  }

  /** Runs a program in the machine, as root, until it ends. */
  run(...words: readonly string[]): Outcome {
    const enter = ["nsenter", "--target", String(this.pid), "--all", "--root", "--wd"];
    const { exitCode, stdout, stderr } = Bun.spawnSync([...enter, ...words], {
      env: { PATH: process.env["PATH"] ?? "", TERM: "dumb", SYSTEMD_PAGER: "" },
    });
    return { status: exitCode, text: stdout.toString() + stderr.toString() };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill("SIGKILL");
    await this.child.exited;
    // The machine's processes end with its first; their groups are empty then.
    for (let tries = 0; tries < 100 && !removeTree(this.group); tries += 1) await Bun.sleep(50);
    must(["umount", this.cgroups]);
    rmSync(this.folder, { recursive: true });
  }

  async #isUp(): Promise<void> {
    for (let tries = 0; tries < 300; tries += 1) {
      if (this.run("systemctl", "is-active", "basic.target").text.trim() === "active") return;
      if (this.child.exitCode !== null) break;
      await Bun.sleep(100);
    }
    const said = this.run("systemctl", "--no-pager", "status").text;
    await this[Symbol.asyncDispose]();
    throw new Error(`systemd: expected it to come up, found:\n${said}`);
  }
}

/** The process that unshare has forked. */
function childOf(pid: number): number {
  const { stdout } = Bun.spawnSync(["ps", "-o", "pid=", "--ppid", String(pid)]);
  return Number(stdout.toString().trim());
}

/** False: something is in use yet. */
function removeTree(folder: string): boolean {
  try {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (entry.isDirectory() && !removeTree(join(folder, entry.name))) return false;
    }
    rmdirSync(folder);
    return true;
  } catch {
    return false;
  }
}

function must(words: readonly string[]): void {
  const { exitCode, stderr } = Bun.spawnSync([...words]);
  if (exitCode !== 0) throw new Error(`${words.join(" ")}: ${stderr.toString()}`);
}

/** Why no such machine can be had here; undefined: it can. */
export function reasonAgainst(): string | undefined {
  if (!existsSync(SYSTEMD)) return `there is no ${SYSTEMD}`;
  // Everything that is asked of the kernel, in a name space that ends with the command.
  const tries = "mount -t cgroup2 cgroup2 /mnt && mount -t tmpfs tmpfs /mnt && mknod /mnt/tun c 10 200";
  const words = ["unshare", "--mount", "--cgroup", "--pid", "--net", "--fork", "sh", "-c", tries];
  const { exitCode, stderr } = Bun.spawnSync(words);
  return exitCode === 0 ? undefined : stderr.toString().trim();
}
