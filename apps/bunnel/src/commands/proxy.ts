import { isLoopback, type Profile } from "@bunnel/profile";
import { leftOut, type StreamForm } from "@bunnel/stream";
import { formatEndpoint, parseEndpoint } from "@bunnel/wire";
import { InvalidArgumentError, type Command } from "commander";
import { NameResolver } from "../dns/resolve-name.ts";
import { Proxy } from "../proxy/proxy.ts";
import { ExitError } from "../service/exit.ts";
import { readProfile, type ProfileOptions } from "../service/read-profile.ts";

interface ProxyOptions extends ProfileOptions {
  readonly listen?: readonly string[];
  readonly remote?: boolean;
  readonly user?: string;
  readonly portable?: boolean;
  readonly json?: boolean;
}

export function register(program: Command): void {
  program
    .command("proxy")
    .description("be a SOCKS 5 and HTTP proxy on loopback until Ctrl-C or SIGTERM; needs no privilege at all")
    .option("-p, --profile <file>", "profile (TOML); without it the built-in one; SIGHUP reads it again")
    .option("-s, --strategy <text>", 'one strategy for every host, such as "tls: tlsrec(midsld) split(1)"')
    .option(
      "-l, --listen <address:port...>",
      "where to listen (default: as the profile has it, 127.0.0.1:1080)",
      readListen,
    )
    .option("--remote", "listen where other machines reach it, too")
    .option("--user <name:password>", "ask clients for this name and password", readUser)
    .option("--portable", "carry connections as on systems that are not Linux: by poll and copies; without fakes")
    .option("--json", "print one JSON line when it listens and one when it ends")
    .action(proxy);
}

function readListen(text: string, before: readonly string[] = []): readonly string[] {
  try {
    parseEndpoint(text);
  } catch {
    throw new InvalidArgumentError('expected an address and a port such as "127.0.0.1:1080" or "[::1]:1080"');
  }
  return [...before, text];
}

function readUser(text: string): string {
  if (/^[^:]{1,255}:.{1,255}$/u.test(text)) return text;
  throw new InvalidArgumentError("expected name:password");
}

async function proxy(options: ProxyOptions): Promise<void> {
  const profile = await profileOf(options);
  const form: StreamForm | undefined = options.portable ? "portable" : undefined;
  const omitted = leftOut(profile, form);
  using names = new NameResolver(profile);
  using listeners = new Proxy(profile, { resolve: names.resolve, ...(form && { form }) });
  const stop = Promise.withResolvers<undefined>();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.resolve(undefined));
  process.on("SIGHUP", () => void reload(listeners, names, options));
  const listen = listeners.addresses.map(({ address, port }) => formatEndpoint(address, port));
  say(options, { up: true, listen, leftOut: omitted }, startText(listen, omitted));
  const cause = await Promise.race([stop.promise, listeners.closed]);
  if (cause) throw new ExitError(`stopped by itself: ${cause.message}`, 1, { cause });
  const { stats } = listeners;
  listeners.close();
  await listeners.closed;
  say(options, { up: false, stats }, `bunnel proxy has ended: ${stats.accepted} connections, ${stats.treated} treated`);
}

/** The profile, with what the command line says about its `[proxy]`. */
async function profileOf(options: ProxyOptions): Promise<Profile> {
  const { proxy: settings, ...rest } = await readProfile(options);
  const listen = options.listen ?? settings.listen;
  const remote = options.remote ?? settings.remote;
  const far = listen.find((endpoint) => !isLoopback(endpoint));
  if (far !== undefined && !remote) {
    throw new ExitError(`${far} is reached by other machines: give --remote if that is meant`, 2);
  }
  const [, user = settings.user, password = settings.password] = /^([^:]*):(.*)$/u.exec(options.user ?? "") ?? [];
  return { ...rest, proxy: { ...settings, listen, remote, user, password } };
}

/** A wrong profile changes nothing, and is said. */
async function reload(listeners: Proxy, names: NameResolver, options: ProxyOptions): Promise<void> {
  try {
    const profile = await profileOf(options);
    listeners.load(profile);
    names.use(profile);
    process.stderr.write("bunnel: the profile was read again\n");
  } catch (error) {
    process.stderr.write(
      `bunnel: the profile stays as it was: ${error instanceof Error ? error.message : String(error)}\n`,
    );
  }
}

function startText(listen: readonly string[], omitted: ReturnType<typeof leftOut>): string {
  const lines = omitted.map(
    ({ rule, kind, technique, why }) => `rule ${rule}: ${kind} ${technique} is left out: it ${why}`,
  );
  return [`bunnel proxy listens on ${listen.join(", ")} for SOCKS 5 and HTTP. Ctrl-C ends it.`, ...new Set(lines)].join(
    "\n",
  );
}

function say(options: ProxyOptions, data: unknown, text: string): void {
  process.stdout.write(options.json ? `${JSON.stringify(data)}\n` : `${text}\n`);
}
