"""The messages of docs/PROTOCOL.md: bytes from a stranger in, typed values or one `ProtocolError` out.

Whatever is relayed is built again from these types, so a field that is not named here never reaches another person.

    fields.py    one JSON object, read strictly        reading.py   the table: type -> reader
    visit.py     people coming and going               peer.py      two browsers connecting to each other
    consents.py  being captured, and the yes or no to it
    quality.py   how well a path carries, and what people say about it
    media.py     a browser connecting to the server    talk.py      what pages say to each other through the server
"""

from consultations.rooms.protocol.consents import Consent, Recording
from consultations.rooms.protocol.fields import ProtocolError
from consultations.rooms.protocol.media import SfuOffer, SfuView, Want
from consultations.rooms.protocol.peer import (
    Ack,
    Body,
    Candidate,
    Description,
    Hidden,
    NoMoreCandidates,
    Path,
    PathReport,
    Restart,
    Signal,
    check_sdp,
)
from consultations.rooms.protocol.quality import MoveAnswer, Quality, QualityReport, Trouble
from consultations.rooms.protocol.reading import READERS, Message, Request, parse
from consultations.rooms.protocol.talk import Chat, ChatLine, History, Keys, MediaState, Part, Say, Sealed
from consultations.rooms.protocol.visit import (
    GUEST_ROLES,
    OUTCOMES,
    Admit,
    AdmitDevice,
    Finish,
    Hello,
    IceServers,
    Invite,
    Leave,
    Ping,
    Remove,
)

__all__ = [
    "GUEST_ROLES",
    "OUTCOMES",
    "READERS",
    "Ack",
    "Admit",
    "AdmitDevice",
    "Body",
    "Candidate",
    "Chat",
    "ChatLine",
    "Consent",
    "Description",
    "Finish",
    "Hello",
    "Hidden",
    "History",
    "IceServers",
    "Invite",
    "Keys",
    "Leave",
    "MediaState",
    "Message",
    "MoveAnswer",
    "NoMoreCandidates",
    "Part",
    "Path",
    "PathReport",
    "Ping",
    "ProtocolError",
    "Quality",
    "QualityReport",
    "Recording",
    "Remove",
    "Request",
    "Restart",
    "Say",
    "Sealed",
    "SfuOffer",
    "SfuView",
    "Signal",
    "Trouble",
    "Want",
    "check_sdp",
    "parse",
]
