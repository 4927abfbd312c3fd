"""The keys of a server-side member of a visit (a recorder): what people's pages wrap for it, and nothing else.

The twin of static/js/lib/device_keys.js (cards, wrapping) and of the answering half of static/js/lib/key_exchange.js: the
same texts are signed and authenticated. It never makes a key to send with, and takes no part in the words people compare.
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from media_routing import sframe

POINT_BYTES: Final = 65  # uncompressed (SEC 1 §2.3.3)
IV_BYTES: Final = 12
COORDINATE_BYTES: Final = 32
# The key in use, the one to come, and what a sender in a hurry may make in between.
KEYS_PER_SENDER: Final = 4
# A visit has at most eight people, and some who were there before.
MOST_SENDERS: Final = 32

_BASE64URL = re.compile(r"[A-Za-z0-9_-]*")
_PAGE = re.compile(r"[A-Za-z0-9_-]{8,36}")
_SIGNING = ec.ECDSA(SHA256())

Body = dict[str, object]
"""One message of the key exchange, ready for JSON."""


class KeyRefused(ValueError):
    """A card or a wrapped key that is none. The text quotes nothing of it."""


def to_base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_base64url(text: object) -> bytes | None:
    """None for anything that is not base64url."""
    if not isinstance(text, str) or not _BASE64URL.fullmatch(text) or len(text) % 4 == 1:
        return None
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _lines(*fields: str | int) -> bytes:
    return "\n".join(map(str, fields)).encode()


def _card_text(room: str, participant: str, page: str, sign: str, agree: str) -> bytes:
    return _lines("telemed card 1", room, participant, page, sign, agree)


def _read_point(text: object) -> ec.EllipticCurvePublicKey:
    data = from_base64url(text)
    if data is None or len(data) != POINT_BYTES:
        raise KeyRefused("not a public key")
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), data)
    except ValueError:
        raise KeyRefused("not a point of the curve") from None


def _write_point(key: ec.EllipticCurvePrivateKey) -> str:
    return to_base64url(key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))


@dataclass(frozen=True, slots=True)
class PeerKeys:
    """Another page's public keys, signed by themselves for one room and participant."""

    page: str
    agree: ec.EllipticCurvePublicKey

    @classmethod
    def read(cls, card: object, room: str, participant: str) -> PeerKeys:
        """Raises KeyRefused for anything but a card that its own keys signed for this room and participant."""
        if not isinstance(card, Mapping):
            raise KeyRefused("not a card")
        page, sign, agree = card.get("page"), card.get("sign"), card.get("agree")
        if not isinstance(page, str) or not _PAGE.fullmatch(page):
            raise KeyRefused("not a card")
        signing, agreeing = _read_point(sign), _read_point(agree)
        signature = from_base64url(card.get("signature"))
        if signature is None or len(signature) != 2 * COORDINATE_BYTES:
            raise KeyRefused("the card is forged")
        # WebCrypto signs as r | s (IEEE P1363), OpenSSL as DER.
        r, s = (int.from_bytes(signature[at : at + COORDINATE_BYTES]) for at in (0, COORDINATE_BYTES))
        try:
            text = _card_text(room, participant, page, str(sign), str(agree))
            signing.verify(encode_dss_signature(r, s), text, _SIGNING)
        except InvalidSignature:
            raise KeyRefused("the card is forged") from None
        return cls(page, agreeing)


class DeviceKeys:
    """One page's own keys in one room, made with it and never stored."""

    def __init__(self, room: str, participant: str, page: str) -> None:
        self.room, self.participant, self.page = room, participant, page
        self._agree = ec.generate_private_key(ec.SECP256R1())
        signing = ec.generate_private_key(ec.SECP256R1())
        sign, agree = _write_point(signing), _write_point(self._agree)
        r, s = decode_dss_signature(signing.sign(_card_text(room, participant, page, sign, agree), _SIGNING))
        signature = r.to_bytes(COORDINATE_BYTES) + s.to_bytes(COORDINATE_BYTES)
        self.card = {"page": page, "sign": sign, "agree": agree, "signature": to_base64url(signature)}

    def wrap(self, peer: PeerKeys, to: str, key_id: int, secret: bytes) -> str:
        """`secret` for this page of this participant only."""
        iv = os.urandom(IV_BYTES)
        text = _lines("telemed key 1", self.room, self.participant, self.page, to, peer.page, key_id)
        return to_base64url(iv + self._cipher(peer).encrypt(iv, secret, text))

    def unwrap(self, peer: PeerKeys, sender: str, key_id: int, box: object) -> bytes:
        """Raises KeyRefused for anything but what this page of that sender wrapped for this one."""
        data = from_base64url(box)
        if data is None or len(data) <= IV_BYTES:
            raise KeyRefused("not a wrapped key")
        text = _lines("telemed key 1", self.room, sender, peer.page, self.participant, self.page, key_id)
        try:
            return self._cipher(peer).decrypt(data[:IV_BYTES], data[IV_BYTES:], text)
        except InvalidTag:
            raise KeyRefused("not wrapped by this peer for this page") from None

    def _cipher(self, peer: PeerKeys) -> AESGCM:
        secret = self._agree.exchange(ec.ECDH(), peer.agree)
        return AESGCM(HKDF(SHA256(), 32, salt=None, info=_lines("telemed wrap 1", self.room)).derive(secret))


@dataclass(slots=True)
class _Sender:
    page: str
    keys: PeerKeys | None = None
    held: list[int] = field(default_factory=list)
    """Key ids, oldest first."""


class RecorderKeys:
    """`participant` is who the recorder is in the visit's snapshot, `page` one fresh name per recording."""

    def __init__(self, room: str, page: str, participant: str = "recorder") -> None:
        self._device = DeviceKeys(room, participant, page)
        self._room = room
        self._senders: dict[str, _Sender] = {}
        self._held: dict[int, tuple[str, sframe.FrameKey]] = {}

    @property
    def page(self) -> str:
        return self._device.page

    @property
    def card(self) -> Body:
        """What introduces the recorder to a page; `receive` sends it by itself when it is asked for."""
        return {"kind": "card", "card": self._device.card, "wants_yours": True}

    def receive(self, participant: str, page: str, body: object) -> list[Body]:
        """Takes what a participant's page said and returns the answers to it, in order. `page`: the one the server knows
        this participant on; keys of an earlier one are forgotten. Raises KeyRefused for what no honest page says."""
        if not isinstance(body, Mapping):
            raise KeyRefused("not a message")
        sender = self._senders.get(participant)
        if sender is not None and sender.page != page:
            self.forget(participant)
            sender = None
        if sender is None:
            if len(self._senders) >= MOST_SENDERS:
                raise KeyRefused("too many senders")
            sender = self._senders[participant] = _Sender(page)
        if body.get("kind") == "card":
            return self._take_card(participant, sender, body)
        if body.get("kind") == "key":
            return self._take_key(participant, sender, body)
        return []

    def find_key(self, key_id: int) -> sframe.FrameKey | None:
        held = self._held.get(key_id)
        return held[1] if held is not None else None

    def owner(self, key_id: int) -> str | None:
        """Whose key it is: a frame that it opens is this participant's and nobody else's."""
        held = self._held.get(key_id)
        return held[0] if held is not None else None

    def forget(self, participant: str) -> None:
        """This participant left, or withdrew."""
        sender = self._senders.pop(participant, None)
        for key_id in sender.held if sender is not None else ():
            del self._held[key_id]

    def drop_all(self) -> None:
        """Nothing can be opened any more, whatever still comes."""
        self._senders.clear()
        self._held.clear()

    def _take_card(self, participant: str, sender: _Sender, body: Mapping[str, Any]) -> list[Body]:
        answers: list[Body] = []
        card = body.get("card")
        if isinstance(card, Mapping) and card.get("page") == sender.page:
            keys = PeerKeys.read(card, self._room, participant)
            if sender.keys is not None and sender.keys.agree != keys.agree:
                raise KeyRefused("a page cannot have two keys")
            sender.keys = keys
        if body.get("wants_yours") is True or sender.keys is None:
            answers.append({**self.card, "wants_yours": sender.keys is None})
        return answers

    def _take_key(self, participant: str, sender: _Sender, body: Mapping[str, Any]) -> list[Body]:
        if sender.keys is None:
            return [self.card]
        key_id = body.get("key_id")
        if not isinstance(key_id, int) or isinstance(key_id, bool) or not 0 <= key_id <= sframe.MAX_INTEGER:
            raise KeyRefused("not a key id")
        secret = self._device.unwrap(sender.keys, participant, key_id, body.get("box"))
        if len(secret) < sframe.KEY_BYTES:
            raise KeyRefused("not a key")
        if key_id not in self._held:
            self._held[key_id] = participant, sframe.derive_key(secret, key_id, AESGCM)
            sender.held.append(key_id)
            while len(sender.held) > KEYS_PER_SENDER:
                del self._held[sender.held.pop(0)]
        elif self._held[key_id][0] != participant:
            raise KeyRefused("the key id is another's")
        return [{"kind": "have", "key_id": key_id}]
