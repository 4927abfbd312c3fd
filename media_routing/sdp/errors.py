"""The one error of this package, and every code that it can have."""

from collections.abc import Mapping
from typing import Final

CODES: Final[Mapping[str, str]] = {
    "bad_bundle": "the section that names the transport is not one that we accept",
    "bad_candidate": "a candidate is not one (RFC 8839 §5.1)",
    "bad_codec": "payload types contradict each other, or look like RTCP (RFC 5761 §4)",
    "bad_direction": "a section both sends and receives",
    "bad_extension": "header extension ids contradict each other (RFC 8285 §5)",
    "bad_fingerprint": "a fingerprint is malformed or of an unknown hash",
    "bad_ice": "ICE credentials are missing or malformed (RFC 8839 §5.4)",
    "bad_line": "the text does not follow the grammar (RFC 8866 §9)",
    "bad_media": "a section is neither audio nor video nor a data channel",
    "bad_mid": "a mid is missing, too long or not unique (RFC 5888)",
    "bad_profile": "a section is not RTP over DTLS over UDP with feedback (RFC 5764 §8)",
    "bad_rid": "simulcast layers contradict each other or could not be told apart (RFC 8853)",
    "bad_setup": "the peer cannot be the DTLS client (RFC 5763 §5)",
    "bad_source": "what a section shows is unknown, not of its kind or named twice",
    "bad_ssrc": "sources contradict each other (RFC 5576)",
    "contradiction": "an attribute stands twice in one section and differs",
    "insecure_keys": "keys in the SDP itself (RFC 4568, k=)",
    "no_bundle": "not everything is bundled into one group (RFC 9143)",
    "no_codec": "neither Opus nor VP8 in a section",
    "no_fingerprint": "a section without the certificate's fingerprint",
    "no_media": "nothing to carry",
    "no_mux": "RTCP on a port of its own (RFC 8858)",
    "peer_is_lite": "two ICE-lite agents never connect (RFC 8445 §6.1.1)",
    "too_large": "more than 32 KiB",
    "too_many_candidates": "more than 64 candidates",
    "too_many_sections": "more than 40 m-lines",
    "two_fingerprints": "fingerprints of more than one certificate",
    "weak_fingerprint": "a hash that a made-up certificate can match",
}


class SdpError(Exception):
    """The peer's SDP is refused. `code` is one of CODES and stable; nothing of the text is quoted."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code
