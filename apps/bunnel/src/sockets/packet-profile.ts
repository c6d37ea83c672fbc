// What a profile means for packets where no program may put finished packets on the network: everything that comes up
// leaves by sockets, so that the packet engine hands over every flow, and the rules for TLS and HTTP are the relay's.
// What is left to the engine is what it does without sending anything outside: dropping QUIC, answering DNS.
import { BackendError } from "@bunnel/backend";
import { parseStrategy, type Clause, type Operation, type Profile, type Rule, type SplitScope } from "@bunnel/profile";
import { leftOut } from "@bunnel/stream";

/** Of techniques that no socket is asked for. */
const WITHOUT_SENDING: readonly Operation["technique"][] = ["drop", "doh"];
const ANY_PORT = [{ first: 1, last: 65_535 }];

/**
 * The rules have their places in it, disabled where nothing of them is left to the engine; those behind them carry
 * everything.
 * @param system as people call it
 * @throws BackendError E_NOT_SUPPORTED for what cannot be done here, which names the rule or the key
 */
export function packetProfile(profile: Profile, system: string): Profile {
  refuseKeys(profile, system);
  for (const rule of profile.rules) if (rule.enabled) refuseRule(rule, profile, system);
  const [omitted] = leftOut(enabledOf(profile), "portable");
  if (omitted !== undefined) {
    const { rule, kind, technique, why } = omitted;
    throw refusal(`rule ${JSON.stringify(rule)}: ${kind} ${technique} ${why}`, system);
  }
  const own = profile.rules.map((rule): Rule => {
    const clauses = rule.strategy.clauses.filter((clause) => isLeft(clause) && clause.operations.length > 0);
    return {
      ...rule,
      enabled: rule.enabled && clauses.length > 0,
      egress: "auto",
      carries: ["tcp"],
      strategy: { clauses },
    };
  });
  const { addresses, addressesFile, ...others } = profile.exclude;
  const excluded: SplitScope = { ...NOTHING, addresses, ...(addressesFile && { addressesFile }) };
  const rules = profile.enabled ? [...own, ...carriedAsTheyAre(others), EVERYTHING] : [EVERYTHING];
  return { ...profile, enabled: true, include: NOTHING, exclude: excluded, rules };
}

/** Messages that sockets carry are the relay's. */
function isLeft({ kind }: Clause): boolean {
  return kind !== "tls" && kind !== "http";
}

const NOTHING: SplitScope = {
  ...{ hosts: [], addresses: [], ports: [], protocols: [] },
  ...{ interfaces: [], users: [], groups: [], cgroups: [], processes: [] },
};

/** The strategy only says which kind of flow is meant: what is done to it, the relay's rules say. */
const EVERYTHING: Rule = {
  ...{ name: "by sockets", enabled: true, priority: Number.MIN_SAFE_INTEGER, hosts: [], addresses: [] },
  ...{ ports: ANY_PORT, families: ["ipv4", "ipv6"], direction: "both", egress: "stream" },
  ...{ carries: ["tcp", "udp", "icmp"], strategy: parseStrategy("tls: split(1)  http: split(1)") },
};

/** What `[exclude]` lists leaves by sockets before any other rule has looked at it. */
function carriedAsTheyAre({ hosts, hostsFile, ports }: Omit<SplitScope, "addresses" | "addressesFile">): Rule[] {
  const first = { ...EVERYTHING, priority: Number.MAX_SAFE_INTEGER };
  const hasHosts = hosts.length > 0 || hostsFile !== undefined;
  return [
    ...(ports.length > 0 ? [{ ...first, name: "excluded ports", ports }] : []),
    ...(hasHosts ? [{ ...first, name: "excluded hosts", hosts, ...(hostsFile && { hostsFile }) }] : []),
  ];
}

function refuseKeys({ interception, gateway, include, exclude, rules, dns }: Profile, system: string): void {
  if (interception.method !== "auto") {
    throw refusal(`interception.method: expected "auto", found "${interception.method}", which Linux has`, system);
  }
  if (interception.killSwitch) throw refusal("interception.kill_switch: expected false, found true", system);
  if (gateway.interfaces.length > 0) throw refusal("gateway.interfaces: expected none, found some", system);
  for (const [section, scope] of Object.entries({ include, exclude })) {
    for (const key of ["users", "groups", "cgroups", "processes"] as const) {
      if (scope[key].length > 0)
        throw refusal(`${section}.${key}: expected none, found some: nobody tells them`, system);
    }
  }
  if (exclude.interfaces.length > 0) throw refusal("exclude.interfaces: expected none, found some", system);
  if (exclude.protocols.length > 0) throw refusal("exclude.protocols: expected none, found some", system);
  const isNarrowed = [include.hosts, include.addresses, include.ports, include.protocols].some(
    (list) => list.length > 0,
  );
  const hasOwn = rules.some(({ enabled, strategy }) => {
    return enabled && strategy.clauses.some((clause) => isLeft(clause) && clause.operations.length > 0);
  });
  if (hasOwn && (isNarrowed || include.hostsFile !== undefined || include.addressesFile !== undefined)) {
    throw refusal("[include]: expected nothing beside rules for quic and dns, found some", system);
  }
  if (hasOwn && dns.fallback === "system") throw refusal('dns.fallback: expected "none", found "system"', system);
}

function refuseRule({ name, egress, strategy }: Rule, _profile: Profile, system: string): void {
  if (egress === "packet") {
    throw refusal(`rule ${JSON.stringify(name)}: egress: expected "auto" or "stream", found "packet"`, system);
  }
  for (const { kind, operations } of strategy.clauses) {
    if (!isLeft({ kind, operations })) continue;
    const other = operations.find(({ technique }) => !WITHOUT_SENDING.includes(technique));
    if (other !== undefined) {
      throw refusal(`rule ${JSON.stringify(name)}: ${kind} ${other.technique} needs packets of its own`, system);
    }
  }
}

/** What the relay leaves out of rules that are switched off is nobody's loss. */
function enabledOf(profile: Profile): Profile {
  return { ...profile, rules: profile.rules.filter(({ enabled }) => enabled) };
}

function refusal(what: string, system: string): BackendError {
  const why = `on ${system} everything leaves by sockets, because no program may send finished packets there`;
  return new BackendError("E_NOT_SUPPORTED", `${what} (${why})`);
}
