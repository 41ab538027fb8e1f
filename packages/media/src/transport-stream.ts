const SYNC_BYTE = 0x47;
/** Plain, with the four bytes of time that Blu-ray and AVCHD add (M2TS), with Reed-Solomon parity. */
const PACKET_BYTES = [188, 192, 204];
const PACKETS_COMPARED = 5;

/**
 * Whether bytes are an MPEG transport stream (ISO 13818-1, 2.4.3): the format has no signature but its sync byte, once a
 * packet. A recording may begin in the middle of one.
 */
export function isTransportStream(head: Uint8Array): boolean {
	return PACKET_BYTES.some((size) => {
		for (let start = 0; start < size; start += 1) {
			if (syncsFrom(head, start, size)) return true;
		}
		return false;
	});
}

function syncsFrom(head: Uint8Array, start: number, size: number): boolean {
	for (let packet = 0; packet < PACKETS_COMPARED; packet += 1) {
		if (head[start + packet * size] !== SYNC_BYTE) return false;
	}
	return true;
}
