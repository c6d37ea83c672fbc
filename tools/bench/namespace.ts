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
    this.#set("ipv6/conf/all/disable_ipv6", "1");
    // The same for every connection, those of a relay too: one that models the path, as BBR does, goes on by what it
    // made of a moment in which somebody else had the processor, and one stream is three times as quick as the next.
    // Reno is the one that each namespace may choose (net/ipv4/tcp_cong.c, TCP_CONG_NON_RESTRICTED).
    this.#set("ipv4/tcp_congestion_control", "reno");
    this.ip("link set lo up");
  }

  /** Writes to /proc/sys/net. */
  #set(key: string, value: string): void {
    this.run(["sh", "-c", `echo ${value} > /proc/sys/net/${key}`]);
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
