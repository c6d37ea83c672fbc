// One flow in words.
import { FlowState, L7 } from "@bunnel/abi";
import type { FlowInfo } from "@bunnel/engine";
import type { Rule } from "@bunnel/profile";
import { formatAddress, formatEndpoint } from "@bunnel/wire";
import type { FlowLine } from "../control/answers.ts";

/** Flows that are shown when nobody says how many. */
export const FLOWS_SHOWN = 100;

const PROTOCOLS: Readonly<Record<number, string>> = { 1: "icmp", 6: "tcp", 17: "udp", 58: "icmpv6" };
const TCP = 6;

export function describeFlow(flow: FlowInfo, rules: readonly Rule[]): FlowLine {
  const { protocol, source, destination, state, l7, rule, hops, ...figures } = flow;
  const named = rule === undefined ? undefined : rules[rule]?.name;
  const { planned, idleMs, packetsOut, packetsIn, bytesOut, bytesIn } = figures;
  return {
    protocol: PROTOCOLS[protocol] ?? String(protocol),
    source: endpoint(source),
    destination: endpoint(destination),
    state: protocol === TCP ? tcpState(state) : "open",
    ...(l7 !== L7.None && { message: L7[l7].toLowerCase() }),
    ...(named !== undefined && { rule: named }),
    planned,
    ...(hops !== undefined && { hops }),
    idleMs,
    packetsOut,
    packetsIn,
    bytesOut,
    bytesIn,
  };
}

function endpoint({ address, port }: FlowInfo["source"]): string {
  const text = formatAddress(address);
  return port === 0 ? text : formatEndpoint(text, port);
}

/** Of what passed by us; a flow of which only the client's side comes up is never more than opening. */
function tcpState(state: number): string {
  if ((state & FlowState.Reset) !== 0) return "reset";
  if ((state & (FlowState.FinA | FlowState.FinB)) !== 0) return "closing";
  if ((state & FlowState.Established) !== 0) return "established";
  return (state & (FlowState.Syn | FlowState.SynAck)) === 0 ? "open" : "opening";
}
