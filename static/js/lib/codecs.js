/**
 * The codecs with the preferred ones first. Nothing is left out: Firefox fails when entries are filtered away,
 * and a retransmission or error-correction entry missing here would switch that feature off.
 *
 * @template {{mimeType: string}} Codec
 * @param {Codec[]} codecs
 * @param {string[]} preferred MIME types, best first
 * @returns {Codec[]}
 */
export function prefer_codecs(codecs, preferred) {
  const wanted = preferred.map((type) => type.toLowerCase());
  /** @param {Codec} codec */
  const rank = (codec) => {
    const place = wanted.indexOf(codec.mimeType.toLowerCase());
    return place === -1 ? wanted.length : place;
  };
  return [...codecs].sort((a, b) => rank(a) - rank(b));
}
