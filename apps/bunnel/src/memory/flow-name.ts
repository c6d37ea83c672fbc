// How flows are called: both ends, the side that opened it first.
import { formatEndpoint } from "@bunnel/wire";

export interface FlowEnds {
  readonly client: string;
  readonly clientPort: number;
  readonly server: string;
  readonly serverPort: number;
}

export function flowName({ client, clientPort, server, serverPort }: FlowEnds): string {
  return `${formatEndpoint(client, clientPort)} ${formatEndpoint(server, serverPort)}`;
}
