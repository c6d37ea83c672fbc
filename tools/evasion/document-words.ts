// The words of docs/evasion.md.
import { CENSOR_EXAMPLE } from "@bunnel/lab";

/** The text without the line break that it begins with. */
function trimmed(text: string): string {
  return text.trim();
}

export const HEAD_TEXT: string = trimmed(`
# Which technique passes which box

Made by \`bun tools/evasion/document.ts\`; do not edit. A test holds it to the code, and every cell of the table
is under review in \`test/model\`: a change of one fails there, says which it is, and leaves its packets as a
pcapng.

Each cell is one connection in memory and virtual time: client, bunnel's engine as it is shipped, home router,
routers, box, routers, server. Techniques that change how many octets a stream has (\`tlsrec\`, \`oob\`, padding of a
request) leave by sockets instead of the engine, as the relay plans them. \`bunnel lab matrix\` runs the same, with
your own strategies and censors, as text, JSON or a page; \`bunnel lab list\` names everything.

**✓** served: the server read exactly what the client sent, and the client got the whole answer · \`·\` blocked
· r reset by the box · f an answer that the server did not send · ? broken, no box to blame · empty: the
strategy says nothing about such messages.

What the table does not say: whether a box of today is like its model. Models are hypotheses, one sentence each,
from what others have published; networks differ and change in weeks. Decoys here die of a hop limit that is
right for the path; on a real one, \`ttl=auto\` or the probe finds it.`);

export const AXES_TEXT: string = trimmed(`
Every model is made of the same axes (position, state, creation, validation, parser, reaction, residual, UDP,
policy), one file each in \`packages/lab/src/censors/models\`; one box acts by them. Choices that the sources
leave open, and where they stand:

- A decoy with a number 10 000 before the window lies outside of every reassembled stream, so it helps against
  none.
- Of C5 there are both readings: \`full-valid\` decides on the first whole hello, so a decoy before the real
  octets counts although the last copy wins; \`full-last\` reads again with every octet that changes.
- Of C3 there are both: \`inorder\` uses a packet from the octet on that it waits for, \`inorder-exact\` only
  one that begins there, as nDPI does.
- \`rst-tap\` resets the server alone, at the end of the packet that it saw last. A reset to the client would
  always have the right number.
- \`iran\` lets a connection go when one of its first two data packets looks like a known protocol.
- \`tspu\` takes all networks for listed ones; its server answers with 24 KiB, so that the freeze shows.
- \`strict\` reads what the server reads. Nothing passes it, and nothing may: that is its use. Nothing that
  packets can do passes \`dns-hijack\`; another port or DNS over HTTPS does.`);

export const GENEVA_TEXT: string = trimmed(`
The strategies of Geneva's laboratory, and the hypotheses that they pass: by its own library, by ours where the
notation can say them, and by the very packets that Geneva would send, made by hand
(\`tools/evasion/geneva-packets.ts\`), so that the models are held to Geneva's list by more than our notation. Of the
last two there are none: with a header length of zero a stack throws a packet away, and so do the models here;
Geneva's boxes read it by scapy, which takes such a header for one of 20 octets and its options for data.`);

export const SEARCH_TEXT: string = trimmed(`
\`bunnel lab evolve --censor NAME\` begins with strategies that do nothing and finds one that passes, by
selection, crossing and change over the techniques that packets can carry. What a strategy is worth: served on every
path (IPv4 and IPv6, a hello of one packet and of two) 100, less four for each technique, one for each word, and
a half for each packet that it adds; stopped by the box 10 for all paths that were served, less a tenth of its
size; broken -50. So a strategy that passes beats every one that does not, and of two that pass the smaller wins.
In the end every part is taken away in turn, and what the rest passes without goes ("found as" is empty where that
is nothing; why the others stay is told for each). Equal seeds give equal
strategies, whatever the number of workers. The seconds are of two busy processors.`);

export const LIVE_TEXT: string = trimmed(`
The same models as user-space routers between network namespaces, with a real TUN device, the real program
(\`bunnel up\`), real clients and real servers, over IPv4: \`bun tools/evasion/live.ts\`, as root. Each cell says
first what the simulation says of a client like this one, then what was seen; models that want a client without TCP
time stamps or a longer answer got one. A cell in which both differed was measured a second time, alone and with more
time. A part of the table runs with the tests (\`test/e2e/evasion.test.ts\`), cell by cell.

A client that gets no answer in time counts as blocked, so where a model resets the server alone, or a client tries
again after a reset, live says \`·\` and the simulation \`r\`; what has to agree is whether the page was served.

Live taught the simulation: a SYN,ACK of ours that ends on the way makes a router report it (ICMP time exceeded),
and Linux then gives up the connection that it is only opening. The simulated client does so too since, and the row
for it is one that spoils the checksum instead.

nginx 1.22 answers 400 to a tab behind the host name, which RFC 9110 section 5.5 allows: \`http tab\` is served by
servers that hold to it, as the simulated one does, and by no nginx, box or none ("wrong" in the table of detectors).`);

export const CONTRACT_TEXT: string = trimmed(`
A file whose default export makes a censor, for \`bunnel lab matrix --censor ./mine.ts\` and \`bunnel lab evolve
--censor ./mine.ts\`:

\`\`\`ts
${CENSOR_EXAMPLE}\`\`\`

- \`judge\` gets each whole IP packet of both directions as it is when it reaches the box, hop limit included,
  and says whether it goes on. \`inject\` lists packets that the box makes, before the packet or, with
  \`behind\`, after it.
- \`matched\` is what the box took offence at: without it a connection that fails counts as broken, not as
  blocked.
- \`reset\` forgets everything; it is called before every connection.
- No clock and no chance of its own: the same packets at the same \`nowMs\` get the same answers, or searches
  would not be repeatable. Memory stays bounded, and no octets make it throw.
- A packet is lent: its octets stay as they are up to the next \`reset\`, hop limit aside, and are another one's
  then. \`judge\` changes none of them, and copies what it wants to keep for longer.
- \`blocked\` holds the listed names, \`hopsToServer\` how many routers lie behind the box.
- What breaks these rules is an error that says which, not a cell.
- The second argument is a kit, so that the file needs nothing of ours on its disk: \`makeBox\` makes a box of axes
  alone, \`plainAxes\` are what most models start from. A censor that lets the last copy of an octet win:

\`\`\`ts
import type { CensorMaker } from "@bunnel/lab";

const make: CensorMaker = (options, { makeBox, plainAxes }) => {
  const state = { kind: "full", keep: "last", verdict: "every-change" } as const;
  return makeBox({ name: "last", says: "The box believes what comes last.", axes: { ...plainAxes, state } }, options);
};
export default make;
\`\`\``);
