"""Bytes from a stranger in, one message or one `ProtocolError` out."""

from collections.abc import Callable
from typing import Final

from consultations.rooms.protocol.consents import Consent, Recording, read_consent, read_recording
from consultations.rooms.protocol.fields import MAX_SEQ, REQUEST_ID, Fields, ProtocolError, load_object
from consultations.rooms.protocol.media import SfuOffer, SfuView, read_sfu_offer, read_sfu_view
from consultations.rooms.protocol.peer import Ack, Path, Signal, read_ack, read_path, read_signal
from consultations.rooms.protocol.quality import MoveAnswer, Quality, Trouble, read_move, read_quality, read_trouble
from consultations.rooms.protocol.talk import Say, read_say
from consultations.rooms.protocol.visit import (
    IDENTITIES,
    OUTCOMES,
    REMOVE_REASONS,
    Admit,
    AdmitDevice,
    Finish,
    Hello,
    IceServers,
    Invite,
    Leave,
    Ping,
    Remove,
    read_hello,
    read_invite,
)

Request = (
    IceServers
    | Leave
    | Admit
    | AdmitDevice
    | Remove
    | Finish
    | Invite
    | SfuOffer
    | Consent
    | Recording
    | Trouble
    | MoveAnswer
)
Message = Hello | Ping | Signal | Ack | Path | Quality | SfuView | Say | Request


def parse(text: str) -> Message:
    """Return the message in `text`; raise ProtocolError and nothing else, whatever the text is."""
    data = load_object(text)
    kind = data.get("type")
    if not isinstance(kind, str):
        raise ProtocolError("bad_message", fatal=True)
    reader = READERS.get(kind)
    request_id = data.get("id")
    if not isinstance(request_id, str) or not REQUEST_ID.fullmatch(request_id):
        request_id = ""
    if reader is None:
        raise ProtocolError("unknown_type", request_id=request_id)
    try:
        return reader(Fields(data))
    except ProtocolError as error:
        raise ProtocolError(error.code, request_id=request_id, fatal=error.fatal) from None


READERS: Final[dict[str, Callable[[Fields], Message]]] = {
    "hello": read_hello,
    "ping": lambda fields: Ping(rev=fields.number("rev", 0, MAX_SEQ)),
    "signal": read_signal,
    "ack": read_ack,
    "path": read_path,
    "quality": read_quality,
    "trouble": read_trouble,
    "move": read_move,
    "ice_servers": lambda fields: IceServers(fields.request_id()),
    "leave": lambda fields: Leave(fields.request_id()),
    "admit": lambda fields: Admit(
        fields.request_id(),
        fields.public_id("participant"),
        fields.choice("identity", IDENTITIES),
        fields.optional_flag("accept_unencrypted"),
    ),
    "admit_device": lambda fields: AdmitDevice(
        fields.request_id(), fields.public_id("participant"), fields.public_id("device")
    ),
    "remove": lambda fields: Remove(
        fields.request_id(), fields.public_id("participant"), fields.choice("reason", REMOVE_REASONS)
    ),
    "finish": lambda fields: Finish(fields.request_id(), fields.choice("outcome", OUTCOMES)),
    "invite": read_invite,
    "consent": read_consent,
    "recording": read_recording,
    "sfu_offer": read_sfu_offer,
    "sfu_view": read_sfu_view,
    "say": read_say,
}
