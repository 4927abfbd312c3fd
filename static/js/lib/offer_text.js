/**
 * The offer as it is sent to the media server. Browsers list every codec they know in every section, some 5 kB each;
 * a room for eight has eighteen sections. The server takes one codec of each kind, so only that one and its
 * retransmission are sent. Candidates stay here: the server is ICE-lite and learns addresses from authenticated checks.
 */

/**
 * @param {string} sdp
 * @param {string[]} codecs MIME types to keep, for example "audio/opus", "video/VP8"; their "rtx" stays with them
 * @returns {string}
 */
export function compact_offer(sdp, codecs) {
  const wanted = new Set(codecs.map((type) => type.toLowerCase()));
  const sections = sdp.split(/(?=^m=)/m);
  return sections.map((section) => (section.startsWith("m=") ? compact_section(section, wanted) : section)).join("");
}

/** @param {string} section @param {Set<string>} wanted */
function compact_section(section, wanted) {
  const lines = section.split("\r\n");
  const [kind = ""] = (lines[0] ?? "").slice(2).split(" ");
  const kept = payload_types(lines, kind, wanted);
  return lines
    .filter((line) => !/^a=(candidate:|end-of-candidates)/.test(line) && keeps(line, kept))
    .map((line) => (line.startsWith("m=") && kept.size > 0 ? with_formats(line, kept) : line))
    .join("\r\n");
}

/** @param {string[]} lines @param {string} kind @param {Set<string>} wanted @returns {Set<string>} */
function payload_types(lines, kind, wanted) {
  const kept = new Set();
  for (const line of lines) {
    const [, payload_type, name] = /^a=rtpmap:(\d+) ([^/]+)\//.exec(line) ?? [];
    if (name && wanted.has(`${kind}/${name.toLowerCase()}`)) kept.add(payload_type);
  }
  for (const line of lines) {
    const [, payload_type, repaired] = /^a=fmtp:(\d+) apt=(\d+)/.exec(line) ?? [];
    if (payload_type && kept.has(repaired)) kept.add(payload_type);
  }
  return kept;
}

/** @param {string} line @param {Set<string>} kept */
function keeps(line, kept) {
  const [, payload_type] = /^a=(?:rtpmap|fmtp|rtcp-fb):(\d+) /.exec(line) ?? [];
  return payload_type === undefined || kept.size === 0 || kept.has(payload_type);
}

/** @param {string} line "m=video 9 UDP/TLS/RTP/SAVPF 96 97" @param {Set<string>} kept */
function with_formats(line, kept) {
  const [kind, port, protocol, ...formats] = line.split(" ");
  return [kind, port, protocol, ...formats.filter((format) => kept.has(format))].join(" ");
}

/**
 * What stays the same in all answers of one connection: its session (RFC 8829 §5.3.1) and the certificate. Another one
 * means that the server has forgotten the connection, and no restart brings it back.
 *
 * @param {string} sdp
 * @returns {string}
 */
export function answer_identity(sdp) {
  const session = /^o=\S+ (\S+) /m.exec(sdp)?.[1] ?? "";
  const certificate = /^a=fingerprint:(\S+ \S+)/m.exec(sdp)?.[1]?.toLowerCase() ?? "";
  return `${session} ${certificate}`;
}
