// Lengths and checksums of a damaged packet made right again, so that what lies deeper in it is reached.
import { decodePacket, internetChecksum, pseudoHeaderSum, internetSum } from "@bunnel/wire";
