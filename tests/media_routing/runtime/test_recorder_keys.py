"""Pages of the product (their own JS, in Node) and the recorder's keys: each opens what the other made, and nothing else."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from media_routing import sframe
from media_routing.runtime.recorder_keys import DeviceKeys, KeyRefused, PeerKeys, RecorderKeys, from_base64url
from tests.dependency_rules import ROOT

ROOM = "room0000000000000000ab"
PAGE, RECORDER_PAGE = "page-of-anna", "page-of-recorder"
FRAME = b"\x31\x02\x03a picture that is not a key frame"


class Page:
    """One browser page's KeyExchange."""

    def __init__(self, participant: str, page: str) -> None:
        script = Path(__file__).with_name("key_exchange_peer.mjs")
        self._process = subprocess.Popen(
            [ROOT / ".venv/bin/node", script, ROOM, participant, page],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.participant, self.page, self.now_ms = participant, page, 0
        self.unsent: list[Any] = []

    def do(self, what: str, **arguments: object) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self.now_ms += 1000
        self._process.stdin.write(json.dumps({"do": what, "now_ms": self.now_ms, **arguments}) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        self.unsent += [message["body"] for message in answer["say"] if message["to"] == "recorder"]
        return answer

    def talk(self, keys: RecorderKeys) -> None:
        """Until neither has anything to say."""
        while self.unsent:
            for answer in keys.receive(self.participant, self.page, json.loads(json.dumps(self.unsent.pop(0)))):
                self.do("receive", **{"from": "recorder", "body": answer})

    def meet(self, keys: RecorderKeys) -> int:
        """The id of the key it sends with, after the recorder has become a member."""
        self.do("members", members=[{"id": "recorder", "page": keys.page}])
        self.talk(keys)
        return int(self.do("tick")["key_id"])

    def seal(self, kind: str, frame: bytes) -> bytes:
        return bytes.fromhex(self.do("seal", kind=kind, frame=frame.hex())["sealed"])

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(5)


@pytest.fixture
def anna() -> Iterator[Page]:
    page = Page("anna", PAGE)
    yield page
    page.close()


def test_what_a_page_seals_opens_with_the_key_it_wrapped_for_the_recorder(anna: Page) -> None:
    keys = RecorderKeys(ROOM, RECORDER_PAGE)
    key_id = anna.meet(keys)
    assert keys.owner(key_id) == "anna"
    for kind, frame in (("video", FRAME), ("audio", b"\x78sound")):
        opened = sframe.open_frame(keys.find_key, kind, anna.seal(kind, frame))  # type: ignore[arg-type]
        assert (opened.frame, opened.key_id) == (frame, key_id)
    assert anna.do("tick")["alarms"] == []


def test_a_recorder_that_was_not_given_the_key_opens_nothing(anna: Page) -> None:
    """The control: the same frames, another recorder's keys."""
    given, left_out = RecorderKeys(ROOM, RECORDER_PAGE), RecorderKeys(ROOM, RECORDER_PAGE)
    anna.do("members", members=[{"id": "recorder", "page": RECORDER_PAGE}])
    overheard = []
    while anna.unsent:
        overheard.append(anna.unsent[0])
        anna.talk(given)
    for body in overheard:  # it hears everything, and its card was never wrapped for
        left_out.receive("anna", PAGE, body)
    key_id = int(anna.do("tick")["key_id"])
    assert given.find_key(key_id) is not None
    with pytest.raises(sframe.SFrameError):
        sframe.open_frame(left_out.find_key, "video", anna.seal("video", FRAME))
    box = {"kind": "key", "key_id": key_id, "box": "A" * 59}
    with pytest.raises(KeyRefused):
        left_out.receive("anna", PAGE, box)


def test_after_withdrawal_the_next_key_is_not_for_the_recorder(anna: Page) -> None:
    keys = RecorderKeys(ROOM, RECORDER_PAGE)
    before = anna.meet(keys)
    anna.do("members", members=[])  # the page takes it out of its members: a new epoch
    anna.do("withdraw")
    after = int(anna.do("tick")["key_id"])
    anna.talk(keys)
    assert after != before
    with pytest.raises(sframe.SFrameError):
        sframe.open_frame(keys.find_key, "video", anna.seal("video", FRAME))
    keys.drop_all()
    assert keys.find_key(before) is None
    assert keys.owner(before) is None


def test_each_side_unwraps_what_the_other_wrapped(anna: Page) -> None:
    card = anna.do("tick")["card"]
    device = DeviceKeys(ROOM, "paul", "page-of-paul")
    peer = PeerKeys.read(card, ROOM, "anna")
    box = device.wrap(peer, "anna", 7, b"s" * 16)
    theirs = {"card": device.card, "from": "paul", "box": box}
    assert anna.do("unwrap", key_id=7, **theirs)["secret"] == (b"s" * 16).hex()
    assert anna.do("unwrap", key_id=8, **theirs)["refused"] == "not wrapped by this peer for this page"
    own = PeerKeys.read(device.card, ROOM, "paul")
    other = DeviceKeys(ROOM, "iris", "page-of-iris")
    assert other.unwrap(own, "paul", 7, device.wrap(_public(other, "iris"), "iris", 7, b"t" * 16)) == b"t" * 16


def _public(device: DeviceKeys, participant: str) -> PeerKeys:
    return PeerKeys.read(device.card, ROOM, participant)


@pytest.mark.parametrize("field", ["page", "sign", "agree", "signature"])
def test_a_changed_card_is_refused(field: str) -> None:
    device = DeviceKeys(ROOM, "anna", PAGE)
    other = DeviceKeys(ROOM, "anna", "another-page")
    assert PeerKeys.read(device.card, ROOM, "anna").page == PAGE
    with pytest.raises(KeyRefused):
        PeerKeys.read({**device.card, field: other.card[field]}, ROOM, "anna")
    with pytest.raises(KeyRefused):
        PeerKeys.read({**device.card, field: 7}, ROOM, "anna")


def test_a_card_counts_for_its_room_and_participant_only() -> None:
    card = DeviceKeys(ROOM, "anna", PAGE).card
    for room, participant in (("another-room", "anna"), (ROOM, "paul")):
        with pytest.raises(KeyRefused):
            PeerKeys.read(card, room, participant)


def _give(keys: RecorderKeys, device: DeviceKeys, key_id: int, page: str = PAGE) -> list[dict[str, object]]:
    keys.receive(device.participant, page, {"kind": "card", "card": device.card})
    recorder = PeerKeys.read(keys.card["card"], ROOM, "recorder")
    box = device.wrap(recorder, "recorder", key_id, b"k" * 16)
    return keys.receive(device.participant, page, {"kind": "key", "key_id": key_id, "box": box})


def test_a_key_id_stays_with_whoever_had_it_first() -> None:
    keys = RecorderKeys(ROOM, RECORDER_PAGE)
    anna, paul = DeviceKeys(ROOM, "anna", PAGE), DeviceKeys(ROOM, "paul", "page-of-paul")
    assert _give(keys, anna, 5) == [{"kind": "have", "key_id": 5}]
    assert _give(keys, anna, 5) == [{"kind": "have", "key_id": 5}], "asked again, answered again"
    with pytest.raises(KeyRefused):
        _give(keys, paul, 5, "page-of-paul")
    assert keys.owner(5) == "anna"


def test_a_page_has_one_card_and_a_new_page_has_new_keys() -> None:
    keys = RecorderKeys(ROOM, RECORDER_PAGE)
    _give(keys, DeviceKeys(ROOM, "anna", PAGE), 5)
    with pytest.raises(KeyRefused):
        keys.receive("anna", PAGE, {"kind": "card", "card": DeviceKeys(ROOM, "anna", PAGE).card})
    reloaded = DeviceKeys(ROOM, "anna", "page-reloaded")
    assert _give(keys, reloaded, 6, "page-reloaded") == [{"kind": "have", "key_id": 6}]
    assert keys.find_key(5) is None
    keys.forget("anna")
    assert keys.find_key(6) is None


def test_a_sender_keeps_few_keys() -> None:
    keys, anna = RecorderKeys(ROOM, RECORDER_PAGE), DeviceKeys(ROOM, "anna", PAGE)
    for key_id in range(1, 100):
        _give(keys, anna, key_id)
    assert [key_id for key_id in range(100) if keys.find_key(key_id)] == [96, 97, 98, 99]


@pytest.mark.parametrize(
    "body", [None, 7, "card", {"kind": "card", "card": {"page": PAGE}}, {"kind": "key", "key_id": 1.5, "box": ""}]
)
def test_nonsense_is_refused(body: object) -> None:
    keys = RecorderKeys(ROOM, RECORDER_PAGE)
    _give(keys, DeviceKeys(ROOM, "anna", PAGE), 5)
    with pytest.raises(KeyRefused):
        keys.receive("anna", PAGE, body)


def test_base64url_is_strict() -> None:
    assert from_base64url("AQ") == b"\x01"
    assert [from_base64url(text) for text in ("A", "AQ==", "A+/A", "A\n", 1, None)] == [None] * 6
