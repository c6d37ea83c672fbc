// The numbers by which interception is known to the system. They are how a later run finds what a killed one left.

/** Packets that were selected and take the way through the device. */
export const SELECTED_MARK = 0x8000;
/** Packets that we send ourselves; they are never selected. */
export const OUR_MARK = 0x4000;

/**
 * Packets that were selected while they are forwarded for others: both bits, which no packet of this machine gets from
 * us. What else has both (wg-quick marks with 0xca6c) is of this machine, and the rule for these wants an interface of
 * arrival; so a look at the way back, which reverse-path filters take without one, never meets that rule.
 */
export const FORWARDED_MARK = SELECTED_MARK | OUR_MARK;

/** Sockets of processes that are left alone: see `owners/process-marks.ts`. */
export const EXCLUDED_PROCESS_MARK = 0x2000;
/** Sockets of the processes that alone are looked at. */
export const INCLUDED_PROCESS_MARK = 0x1000;

/** The route table that holds one default route per family, into the device. */
export const ROUTE_TABLE = 4000;
/** The same route once more, for what ROUTE_TABLE threw back and table main has no way for. Rules mode, IPv6 only. */
export const LAST_TABLE = 4002;

/**
 * What a kill switch puts into that table behind all other routes: destinations are unreachable once the device, and
 * the route into it, are gone.
 */
export const CLOSED_METRIC = 4_000_000_000;

/** Our own packets take table main. Rules mode only. */
export const PRIORITY_OWN = 8998;
/** Exceptions and, for IPv4, routes of table main that are narrower than a default route win. Rules mode only. */
export const PRIORITY_DIRECT = 8999;
/** Selected packets take our table. */
export const PRIORITY_SELECTED = 9000;
/** What our table threw back takes a narrower route of table main. Rules mode, IPv6 only. */
export const PRIORITY_NARROWER = 9001;
/** What is left then takes LAST_TABLE. Rules mode, IPv6 only. */
export const PRIORITY_LAST = 9002;

/** What the reverse-path filters were that we loosened, as rules that do nothing. Rules mode only. */
export const PRIORITY_NOTE = 9003;

/**
 * Who made our rules and routes (rtm_protocol of linux/rtnetlink.h, FRA_PROTOCOL of linux/fib_rules.h): a number that
 * neither rtnetlink.h nor iproute2's rt_protos gives to anybody. By it what a killed run left is known, whatever became
 * of its state file, and told from somebody else's that says the same.
 */
export const OUR_PROTOCOL = 178;

/** The nftables table of nft mode, in family inet. */
export const NFT_TABLE = "bunnel";

/** Where it is noted what must be put back after a kill. */
export const STATE_PATH = "/run/bunnel/state.json";
