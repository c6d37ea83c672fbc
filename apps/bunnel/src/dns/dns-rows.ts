// The figures of the answering in words.
import type { BackendStats } from "@bunnel/backend";
import type { DnsFigures } from "./dns-service.ts";

type Stats = Pick<BackendStats, "queriesTaken" | "queriesAnswered" | "queriesDropped"> & { readonly dns: DnsFigures };

/** Name and value of each line; none while nobody has asked. */
export function dnsRows({ dns, queriesTaken, queriesAnswered, queriesDropped }: Stats): [string, string][] {
  if (queriesTaken === 0 && queriesDropped === 0) return [];
  const { asked, fromCache, joined, passedOn, failed, fellBack, refused, malformed, cached, upstreams } = dns;
  const rest = [
    [joined, "joined"],
    [passedOn, "passed on to the network's own server"],
    [fellBack, "answered by it in need"],
    [refused, "refused"],
    [malformed, "malformed"],
  ] as const;
  const more = rest.flatMap(([count, what]) => (count === 0 ? [] : [`, ${count} ${what}`])).join("");
  return [
    ["DNS queries", `${queriesTaken} (${queriesAnswered} answered, ${queriesDropped} without room)`],
    ["  asked", `${asked}, ${fromCache} from ${cached} kept answers, ${failed} failed${more}`],
    ...upstreams.map(({ name, asked: put, answered, failed: lost, outrun, isWell, lastFailure }): [string, string] => {
      const why = lastFailure === undefined ? "" : `; last: ${lastFailure}`;
      const state = isWell ? "" : ", left alone for a while";
      return [`  ${name}`, `${put} asked, ${answered} answered, ${lost} failed, ${outrun} outrun${state}${why}`];
    }),
  ];
}
