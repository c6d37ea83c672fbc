// A network namespace, made and furnished with iproute2.

/** @throws Error with the command and its own words when it fails */
export function runCommand(command: readonly string[]): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync([...command], { stdout: "pipe", stderr: "pipe" });
  if (exitCode !== 0) throw new Error(`${command.join(" ")}: ${stderr.toString().trim()}`);
  return stdout.toString();
}

export class Namespace {
  /** @throws Error when it cannot be made: without root, or without iproute2 */
  constructor(readonly name: string) {
    runCommand(["ip", "netns", "add", name]);
    // Neighbour discovery and router solicitations would be packets that nobody asked for.
    this.run(["sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6"]);
    this.ip("link set lo up");
  }

  /** `ip` with the given words, in this namespace. */
  ip(words: string): string {
    return runCommand(["ip", "-n", this.name, ...words.split(" ")]);
  }

  /** Runs a command in it to its end; returns what it printed. */
  run(command: readonly string[]): string {
    return runCommand(this.inside(command));
  }

  /** The command line that runs `command` in it. */
  inside(command: readonly string[]): string[] {
    return ["ip", "netns", "exec", this.name, ...command];
  }

  delete(): void {
    Namespace.deleteByName(this.name);
  }

  static deleteByName(name: string): void {
    Bun.spawnSync(["ip", "netns", "delete", name], { stdout: "ignore", stderr: "ignore" });
  }

  static list(): readonly string[] {
    return runCommand(["ip", "netns", "list"])
      .split("\n")
      .map((line) => line.split(" ")[0] ?? "")
      .filter((name) => name !== "");
  }
}
