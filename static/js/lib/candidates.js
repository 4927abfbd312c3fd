/**
 * What leaves this browser about its network addresses (PRIV-6). In relay mode the browser already gathers only
 * relay candidates; this is the second lock, in code that can be tested without a network.
 */

const TYPE = / typ (host|srflx|prflx|relay)(?: |$)/;
const RELATED = / raddr \S+ rport \d+/;

/** @param {string} candidate @returns {string} "host", "srflx", "prflx", "relay" or "" when it names none */
export function candidate_type(candidate) {
  return TYPE.exec(candidate)?.[1] ?? "";
}

/**
 * The candidate as the peer may see it in relay mode, or null when it must not leave at all.
 *
 * @param {string} candidate
 * @returns {string|null}
 */
export function hide_candidate(candidate) {
  if (candidate === "") return "";
  if (candidate_type(candidate) !== "relay") return null;
  return candidate.replace(RELATED, "");
}

/**
 * The session description without any address but the relay's. The addresses in `o=`, `c=` and `a=rtcp:` mean
 * nothing to ICE (RFC 8839 §4.2.1.3 allows 0.0.0.0 and port 9 for them), so they are blanked.
 *
 * @param {string} sdp
 * @returns {string}
 */
export function hide_addresses(sdp) {
  const lines = [];
  for (const line of sdp.split("\r\n")) {
    if (line.startsWith("a=candidate:")) {
      const shown = hide_candidate(line);
      if (shown !== null) lines.push(shown);
    } else if (line.startsWith("c=")) {
      lines.push("c=IN IP4 0.0.0.0");
    } else if (line.startsWith("a=rtcp:")) {
      lines.push("a=rtcp:9 IN IP4 0.0.0.0");
    } else if (line.startsWith("o=")) {
      lines.push(line.replace(/ IN IP[46] \S+$/, " IN IP4 0.0.0.0"));
    } else if (line.startsWith("m=")) {
      // Port 0 would mean a rejected section, so it stays.
      lines.push(line.replace(/^(m=\w+) (?!0 )\d+ /, "$1 9 "));
    } else {
      lines.push(line);
    }
  }
  return lines.join("\r\n");
}

/**
 * A received candidate with the related address its grammar asks for (RFC 8839 §5.1); Firefox refuses one without.
 *
 * @param {string} candidate
 * @returns {string}
 */
export function complete_candidate(candidate) {
  const type = candidate_type(candidate);
  if (type === "" || type === "host" || RELATED.test(candidate)) return candidate;
  return candidate.replace(` typ ${type}`, ` typ ${type} raddr 0.0.0.0 rport 9`);
}

/** @param {string} sdp */
export function complete_candidates(sdp) {
  return sdp
    .split("\r\n")
    .map((line) => (line.startsWith("a=candidate:") ? complete_candidate(line) : line))
    .join("\r\n");
}

/** @param {string} sdp @returns {string} the first ICE username fragment; a new one means an ICE restart */
export function ice_ufrag(sdp) {
  return /^a=ice-ufrag:(\S+)/m.exec(sdp)?.[1] ?? "";
}
