"""The arrows of the architecture hold, and each checker catches a violation made up for it (the controls)."""

import re
import sys
from importlib.metadata import packages_distributions

import pytest

from tests import dependency_rules as rules
from tests import write_rules

# Modules that write rows without being actions, and why they may.
MAY_WRITE = {
    "telemed.accounts.models": "the manager that Django's createsuperuser calls",
    "telemed.accounts.secrets": "re-encrypts values in place, changes no meaning",
    "telemed.accounts.totp": "a code is used up in the transaction that checks it, called by allauth",
    "telemed.audit.pseudonyms": "subject keys: written when first needed, deleted by erasure",
    "telemed.audit.recording": "audit.record itself",
    "telemed.vault.rotation": "re-encrypts values in place, changes no meaning",
    "telemed.vault.used_keys": "notes which key ids exist in the data",
    "consultations.outbox.sending": "the worker's own bookkeeping of attempts",
}
# Modules that find rows by a public code without being access helpers, and why they may.
MAY_LOOK_UP = {
    "telemed.accounts.views": "only among the person's own sessions and passkeys",
    "consultations.clinics.admin": "the clinic of an audit row that the admin already scoped",
    "consultations.clinics.views": "the logo is public on purpose",
    "consultations.rooms.admin": "the visit of a message that the admin already scoped, in the same clinic",
}


@pytest.fixture(scope="module")
def sources():
    found = rules.read_sources()
    assert len(found) > 40
    return found


@pytest.fixture(scope="module")
def browser_sources():
    found = rules.read_browser_sources()
    assert len(found) > 10
    return found


CHECKS = [
    rules.impure,
    rules.wrong_way,
    rules.models_in_the_engine,
    rules.default_peer_connections,
    write_rules.audit_written_elsewhere,
    write_rules.row_signals,
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_arrows_hold(check, sources):
    assert list(check(sources)) == []


def test_only_actions_write(sources):
    assert list(write_rules.writes_outside_actions(sources, MAY_WRITE)) == []


def test_only_access_turns_a_code_into_an_object(sources):
    exempt = {
        **MAY_LOOK_UP,
        **{module: "an action re-reads its own row" for module in sources if write_rules.is_action(module)},
    }
    assert list(write_rules.lookups_outside_access(sources, exempt)) == []


def test_every_exception_is_still_needed(sources):
    writing = {line.split(":")[0] for line in write_rules.writes_outside_actions(sources, {})}
    looking = {line.split(":")[0] for line in write_rules.lookups_outside_access(sources, {})}
    assert set(MAY_WRITE) - writing == set()
    assert set(MAY_LOOK_UP) - looking == set()


def test_the_browser_code_points_one_way(browser_sources):
    assert list(rules.wrong_way_in_browser(browser_sources)) == []


def test_tests_give_every_peer_connection_a_configuration():
    files = {str(file): file.read_text() for file in (rules.ROOT / "tests").rglob("*.py")}
    assert list(rules.default_peer_connections(files)) == []


VIOLATIONS = [
    (rules.impure, "media_routing.policy.rules", "import django"),
    (rules.impure, "media_routing.policy.rules", "def f():\n    import time"),
    (rules.impure, "media_routing.sfu.layers", "from os import path"),
    (rules.impure, "media_routing.sfu.layers", "import random"),
    (rules.impure, "media_routing.sdp", "text = open('x').read()"),
    (rules.impure, "consultations.rooms.protocol", "from consultations.rooms import models"),
    (rules.impure, "consultations.rooms.lifecycle", "import datetime\nnow = datetime.datetime.now()"),
    (rules.impure, "telemed.lib.ids", "from cryptography import x509"),
    (rules.wrong_way, "media_routing.rtp.header", "from media_routing.sfu import room"),
    (rules.wrong_way, "media_routing.policy.rules", "from media_routing import sdp"),
    (rules.wrong_way, "media_routing.sfu.room", "from aiortc import RTCPeerConnection"),
    (rules.wrong_way, "media_routing.api", "from consultations.rooms import models"),
    (rules.wrong_way, "media_routing.runtime.service", "from django.db import models"),
    (rules.wrong_way, "consultations.rooms.route", "from media_routing.policy import rules"),
    (rules.wrong_way, "consultations.clinics.models", "from consultations.rooms import models"),
    (rules.wrong_way, "consultations.patients.models", "from ..practitioners import models"),
    (rules.wrong_way, "consultations.outbox.sending", "import consultations.rooms.links"),
    (rules.wrong_way, "telemed.accounts.views", "from telemed.audit import record"),
    (rules.wrong_way, "telemed.audit.models", "from consultations.clinics.models import Clinic"),
    (rules.models_in_the_engine, "media_routing.models", ""),
    (rules.default_peer_connections, "anything", "import aiortc\naiortc.RTCPeerConnection()"),
    (write_rules.audit_written_elsewhere, "consultations.rooms.actions", "AuditEntry.objects.create(event='x')"),
    (write_rules.row_signals, "consultations.rooms.apps", "from django.db.models.signals import post_save"),
]


@pytest.mark.parametrize(("check", "module", "text"), VIOLATIONS, ids=[f"{m}-{t[:24]}" for _, m, t in VIOLATIONS])
def test_a_violation_is_caught(check, module, text):
    assert len(list(check({module: text}))) >= 1


ALLOWED = [
    (rules.impure, "media_routing.policy.rules", "import enum\nfrom media_routing.policy.facts import Facts"),
    (rules.wrong_way, "consultations.rooms.route", "from media_routing import api\nfrom telemed import audit"),
    (rules.wrong_way, "consultations.demo.seed", "from consultations.rooms import models"),
    (rules.wrong_way, "telemed.urls", "from consultations.rooms import views"),
    (rules.default_peer_connections, "anything", "RTCPeerConnection(RTCConfiguration(iceServers=[]))"),
]


@pytest.mark.parametrize(("check", "module", "text"), ALLOWED, ids=[module for _, module, _ in ALLOWED])
def test_what_is_allowed_passes(check, module, text):
    assert list(check({module: text})) == []


@pytest.mark.parametrize(
    "text",
    [
        "room.save(update_fields=['state'])",
        "Room.objects.filter(pk=1).update(state='x')",
        "Room.objects.create(state='x')",
        "message.delete()",
        "def f():\n    clinic.members.all().delete()",
    ],
)
def test_a_write_outside_actions_is_caught(text):
    assert len(list(write_rules.writes_outside_actions({"consultations.rooms.views": text}, {}))) == 1
    assert list(write_rules.writes_outside_actions({"consultations.rooms.actions.seats": text}, {})) == []


@pytest.mark.parametrize(
    "text", ["digest.update(b'x')", "picture.save(out, 'PNG')", "options.update(a=1)", "super().save()"]
)
def test_other_words_for_saving_pass(text):
    assert list(write_rules.writes_outside_actions({"consultations.rooms.views": text}, {})) == []


@pytest.mark.parametrize(
    "text",
    [
        "room = get_object_or_404(Room, code=code)",
        "Room.objects.get(code=code)",
        "JoinLink.objects.filter(token_hash=x)",
    ],
)
def test_a_look_up_outside_access_is_caught(text):
    assert len(list(write_rules.lookups_outside_access({"consultations.rooms.views": text}, {}))) == 1
    assert list(write_rules.lookups_outside_access({"consultations.rooms.access": text}, {})) == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("lib/quality.js", 'import { x } from "../call/devices.js";'),
        ("call/devices.js", 'import { x } from "../pages/join.js";'),
        ("pages/join.js", 'import x from "https://cdn.example/x.js";'),
        ("pages/join.js", 'import x from "lodash";'),
        ("pages/join.js", 'const x = await import("./gone.js");'),
        ("call/devices.js", "document.title = 'x';"),
        ("call/peer.js", "const pc = new RTCPeerConnection();"),
        ("other/x.js", ""),
    ],
)
def test_a_violation_in_the_browser_is_caught(path, text):
    known = {"call/devices.js": "", "lib/quality.js": "", "pages/join.js": ""}
    assert len(list(rules.wrong_way_in_browser({**known, path: text}))) == 1


def test_words_in_comments_and_texts_are_no_violation():
    text = '// the document\n/* document */\nconst a = "document"; // https://x.test\nimport { b } from "../lib/b.js";'
    assert list(rules.wrong_way_in_browser({"call/a.js": text, "lib/b.js": ""})) == []


PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(\[[a-z,]+\])?==(?P<version>[^\s;]+)$")


def pins(file: str) -> dict[str, str]:
    lines = [line.split("#")[0].strip() for line in (rules.ROOT / file).read_text().splitlines()]
    found = [PIN.match(line) for line in lines if line and not line.startswith("-r ")]
    assert None not in found, f"{file}: exact versions only"
    return {re.sub(r"[._-]+", "-", match["name"]).lower(): match["version"] for match in found if match}


def test_what_runs_is_pinned(sources):
    """Every distribution that the three packages import stands in requirements.txt, exactly."""
    distributions = packages_distributions()
    imported = {name.split(".")[0] for _, name in rules.all_imports(sources)}
    foreign = imported - set(sys.stdlib_module_names) - {*rules.PACKAGES, "__future__"}
    owners = {re.sub(r"[._-]+", "-", owner).lower() for name in foreign for owner in distributions.get(name, [name])}
    assert owners - set(pins("requirements.txt")) == set()


FLOORS = {
    "daphne": (4, 2, 2),
    "django": (5, 2, 15),
    "django-allauth": (65, 14, 2),
    "channels": (4, 0, 0),
    "aiortc": (1, 16, 0),
    "aioice": (0, 13, 0),
}


@pytest.mark.parametrize(("file", "floors"), [("requirements.txt", FLOORS)])
def test_no_version_is_below_the_floor(file, floors):
    """SEC-22: below these lie known holes."""
    versions = {
        name: tuple(int(part) for part in version.split(".")[:3])
        for name, version in pins(file).items()
        if name in floors
    }
    assert set(versions) == set(floors)
    assert {name for name in floors if versions[name] < floors[name]} == set()
