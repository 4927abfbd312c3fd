"""A signaling server that sits between two people: with keys of its own towards each, or with another certificate.

    doctor ⇄ [patient's face | doctor's face] ⇄ patient         a face: keys that it made, in that person's name

It does all that can be done: it hands sender keys on, wrapped anew, so that everything works; it plays the words with each
side; it signs each side's certificate. Without an order to cheat it is an honest relay, the control of its own tests.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import secrets
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from media_routing.runtime import recorder_keys
from media_routing.runtime.recorder_keys import DeviceKeys, KeyRefused, PeerKeys, to_base64url
from tests.e2e.call_engine.relay import Relay

ROOM = "test"


class Face(DeviceKeys):
    """A page's keys, forged: everything that the real page can do, in its name."""

    def __init__(self, participant: str, page: str) -> None:
        super().__init__(ROOM, participant, page)
        self._signing = ec.generate_private_key(ec.SECP256R1())
        sign, agree = recorder_keys._write_point(self._signing), recorder_keys._write_point(self._agree)
        signature = self.sign("telemed card 1", ROOM, participant, page, sign, agree)
        self.card = {"page": page, "sign": sign, "agree": agree, "signature": signature}
        self._nonces: dict[str, str] = {}

    def sign(self, *fields: str) -> str:
        r, s = decode_dss_signature(self._signing.sign("\n".join(fields).encode(), recorder_keys._SIGNING))
        return to_base64url(r.to_bytes(32) + s.to_bytes(32))

    def play_words(self, name: str) -> list[dict[str, object]]:
        """Its commitment and its number in this round, at once: the other side believes them in this order."""
        nonce = self._nonces.setdefault(name, to_base64url(secrets.token_bytes(16)))
        text = "\n".join(("telemed commit 1", name, self.participant, nonce))
        commit = to_base64url(hashlib.sha256(text.encode()).digest())
        return [
            {"kind": "commit", "round": name, "hash": commit, "answer": True},
            {"kind": "reveal", "round": name, "nonce": nonce, "answer": True},
        ]


@dataclass
class EvilRelay(Relay):
    swap_keys: bool = False
    swap_certificates: bool = False
    stolen: set[bytes] = field(default_factory=set)
    """Sender keys that it read."""
    faces: dict[tuple[str, str], Face] = field(default_factory=dict)
    real: dict[tuple[str, str], PeerKeys] = field(default_factory=dict)

    def face(self, participant: str) -> Face:
        page = self.pages[participant]
        return self.faces.setdefault((participant, page), Face(participant, page))

    async def relay(self, to: str, message: dict, transcript: list[dict] | None = None) -> None:
        if self.swap_certificates and message["type"] == "signal" and "sdp" in message["body"]:
            text = re.sub(
                r"(a=fingerprint:sha-256 )(\S\S)", lambda m: m[1] + f"{int(m[2], 16) ^ 1:02X}", json.dumps(message)
            )
            message = json.loads(text)
        if self.swap_keys and message["type"] == "said":
            me, items = message["from"], message["body"]["keys"]["items"]
            handed_on = [cheated for item in items for cheated in await self.cheat(me, to, item)]
            message = {**message, "body": {"kind": "keys", "keys": {"items": handed_on}}}
        await super().relay(to, message, transcript)

    async def cheat(self, me: str, to: str, item: dict) -> list[dict]:
        """What `to` hears instead."""
        mine, theirs = self.face(me), self.face(to)
        match item["kind"]:
            case "card":
                self.real[me, item["card"]["page"]] = PeerKeys.read(item["card"], ROOM, me)
                return [{**item, "card": mine.card}]
            case "key":
                known = [self.real.get((who, self.pages[who])) for who in (me, to)]
                if None in known:
                    return []  # it is said again
                with contextlib.suppress(KeyRefused):  # of a page that is gone
                    secret = theirs.unwrap(known[0], me, item["key_id"], item["box"])
                    self.stolen.add(secret)
                    return [{**item, "box": mine.wrap(known[1], to, item["key_id"], secret)}]
                return []
            case "fingerprint":
                signed = mine.sign("telemed fingerprint 1", ROOM, me, item["connection"], item["value"])
                return [{**item, "signature": signed}]
            case "commit" | "reveal":
                answers = theirs.play_words(item["round"]) if item.get("answer") is not True else []
                pages = {"from_page": item["to_page"], "to_page": item["from_page"]}
                body = {"kind": "keys", "keys": {"items": [{**answer, **pages} for answer in answers]}}
                await self.deliver(me, {"type": "said", "from": to, "body": body})
                return []
        return [item]
