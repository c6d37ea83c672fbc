// The text of /etc/resolv.conf. Source: resolv.conf(5).
import { serverTexts, type CheckedDns } from "./settings.ts";

/** systemd-resolved listens on these (systemd-resolved.service(8)). */
const STUB_SERVERS: ReadonlySet<string> = new Set(["127.0.0.53", "127.0.0.54"]);
const RESOLVED_FOLDER = /(^|\/)systemd\/resolve\//;
/** Only somebody who knows the servers can say that their answers are verified. */
const UNTRUSTED_OPTION = "trust-ad";

/**
 * Name servers and search domains for the system's resolver, which reads the first three servers. Options of the text
 * before are kept, but not the trust in its servers.
 */
export function renderResolvConf(dns: CheckedDns, interfaceName: string, before: string): string {
  const search = dns.domains.filter(({ routeOnly }) => !routeOnly).map(({ name }) => name);
  const options = words(before, "options").filter((option) => option !== UNTRUSTED_OPTION);
  return [
    `# Made by bunnel for ${interfaceName}. The file that was here comes back when it ends.`,
    ...serverTexts(dns).map((server) => `nameserver ${server}`),
    ...(search.length === 0 ? [] : [`search ${search.join(" ")}`]),
    ...(options.length === 0 ? [] : [`options ${options.join(" ")}`]),
    "",
  ].join("\n");
}

/** Whether programs that read this file ask systemd-resolved. @param target where the file links to, if it is a link */
export function asksResolved(text: string, target: string | undefined): boolean {
  if (target !== undefined && RESOLVED_FOLDER.test(target)) return true;
  return words(text, "nameserver").some((server) => STUB_SERVERS.has(server));
}

/** What stands behind a keyword, on all lines that begin with it. */
function words(text: string, keyword: string): string[] {
  return text.split("\n").flatMap((line) => {
    const [first, ...rest] = line.trim().split(/\s+/);
    return first === keyword ? rest : [];
  });
}
