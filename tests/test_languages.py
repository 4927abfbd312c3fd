"""English and German are of one quality: nothing is missing, nothing is half done, and the person's language counts."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.contrib import admin
from django.template import TemplateDoesNotExist
from django.template.loader import get_template
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.formats import date_format

from consultations.outbox.errors import DeliveryFailed
from consultations.outbox.wording import VERSIONS, write_words
from consultations.rooms.models import Participant
from consultations.rooms.practice.zones import today_of
from telemed.accounts.models import User
from telemed.audit.models import AuditEntry
from tests.base import Cast
from tests.language_rules import (
    ROOT,
    Entry,
    Page,
    english_words,
    faults,
    keys_asked,
    keys_never_asked,
    module_sources,
    prose,
    read_catalogue,
    template_prose,
)
from tests.matrix.world import World, make_world, patient_seat

CATALOGUE = ROOT / "locale/de/LC_MESSAGES/django.po"
LANGUAGES = [code for code, _ in django_settings.LANGUAGES]
STAFF_PAGES = ("today", "appointment_new", "start_now", "mfa_index", "mfa_list_webauthn", "usersessions_list",
               "account_change_password")  # fmt: skip
# What Django says in German and we say in English.
DJANGO_GERMAN = {"Start"}  # the first page of the administration
ENGLISH_ROWS = {"Treatment by video"}  # the title of the English consent text, in the list of all of them
OPEN_PAGES = ("home", "account_login", "account_reset_password", "join")


@pytest.fixture(scope="module")
def entries() -> list[Entry]:
    return read_catalogue(CATALOGUE.read_text(encoding="utf-8"))


@pytest.fixture
def german(tmp_path: Path, settings: object) -> None:
    """The catalogue as it stands in the repository, whatever `make setup` compiled last."""
    target = tmp_path / "locale/de/LC_MESSAGES"
    target.mkdir(parents=True)
    subprocess.run(["msgfmt", "--check-format", "-o", target / "django.mo", CATALOGUE], check=True)
    settings.LOCALE_PATHS = [tmp_path / "locale"]


@pytest.fixture
def world(cast: Cast, german: None) -> World:
    world = make_world(cast)
    User.objects.update(language="de")
    Participant.objects.update(language="de")
    return world


def _collect(folder: Path) -> set[tuple[str, str, str]]:
    """Return the keys of all texts in the sources that lie in `folder`, found as `make messages` finds them."""
    (folder / "locale/de/LC_MESSAGES").mkdir(parents=True)
    command = [sys.executable, "-m", "django", "makemessages", "--locale", "de", "--no-location", "--no-obsolete"]
    environment = {"PATH": "/usr/bin:/bin"}
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
    collected = read_catalogue((folder / "locale/de/LC_MESSAGES/django.po").read_text(encoding="utf-8"))
    return {entry.key for entry in collected}


def test_the_catalogue_holds_exactly_the_texts_of_the_sources(tmp_path: Path, entries: list[Entry]) -> None:
    for name in ("telemed", "consultations", "media_routing", "templates"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "templates/control.html").write_text('{% load i18n %}{% translate "A text nobody has translated." %}')
    difference = _collect(tmp_path) ^ {entry.key for entry in entries}
    assert ("", "A text nobody has translated.", "") in difference
    assert difference == {("", "A text nobody has translated.", "")}, "run `make messages` and translate"


def test_every_translation_is_whole(entries: list[Entry]) -> None:
    wrong = {entry.id: found for entry in entries if (found := faults(entry))}
    assert not wrong
    assert len(entries) > 900


@pytest.mark.parametrize(
    "block, fault",
    [
        ('msgid "a"\nmsgstr ""', "empty"),
        ('#, fuzzy\nmsgid "a"\nmsgstr "b"', "fuzzy"),
        ('msgid "{name} waits"\nmsgstr "{nam} wartet"', "other placeholders"),
        ('msgid "%(n)s a"\nmsgid_plural "%(n)s b"\nmsgstr[0] "%(n)s c"\nmsgstr[1] "d"', "other placeholders"),
        (
            'msgid "once"\nmsgid_plural "%(n)s times"\nmsgstr[0] "%(n)s Mal"\nmsgstr[1] "%(n)s Mal"',
            "other placeholders",
        ),
        ('msgid "a"\nmsgstr "b!"', "exclamation mark"),
    ],
)
def test_a_faulty_translation_is_seen(block: str, fault: str) -> None:
    [entry] = read_catalogue(f'msgid ""\nmsgstr ""\n"Language: de\\n"\n\n{block}\n')
    assert any(found.startswith(fault) for found in faults(entry))


def _pages(world: World) -> Iterator[tuple[str, str]]:
    """Yield (address, HTML) of the main pages, each opened by somebody who may."""
    visit = {"public_id": world.appointment.public_id}
    staff = [reverse(name) for name in STAFF_PAGES]
    staff += [reverse(name, kwargs=visit) for name in ("appointment", "appointment_reschedule")]
    staff += [reverse("visit", args=[world.code])]
    opened = [(world.client("practitioner"), url) for url in staff]
    opened += [(world.client("anonymous"), reverse(name)) for name in OPEN_PAGES]
    opened += [(world.client("patient"), reverse("seat", args=[world.code]))]
    administration = [reverse("admin:index")]
    for model in admin.site._registry:
        if model.__module__.startswith(("consultations", "telemed")):
            administration.append(reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"))
    # Whatever is clinical is for the clinic's admin, the rest for who runs the machine.
    admins = [world.client("clinic_admin"), world.client("superuser")]
    opened += [(next(who for who in admins if who.get(url).status_code == 200), url) for url in administration]
    for client, url in opened:
        response = client.get(url, headers={"accept-language": "de"})
        assert response.status_code == 200, url
        yield url, response.content.decode()
    yield "nowhere", Client().get("/nowhere/", headers={"accept-language": "de"}).content.decode()


def test_a_german_page_speaks_german(world: World, entries: list[Entry]) -> None:
    left, languages = {}, {}
    for url, html in _pages(world):
        page = Page(html)
        languages[url] = page.language
        if found := set(english_words(page.words, entries)) - DJANGO_GERMAN - ENGLISH_ROWS:
            left[url] = sorted(found)
    assert not left
    assert set(languages.values()) == {"de"}


def test_an_english_word_on_a_german_page_is_seen(world: World, entries: list[Entry]) -> None:
    with translation.override("en"):
        html = Client().get(reverse("account_login"), headers={"accept-language": "en"}).content.decode()
    assert Page(html).language == "en"
    assert {"Sign in", "I forgot my password"} <= set(english_words(Page(html).words, entries))
    ago = Entry(id="%(time)s ago", strings=["vor %(time)s"])
    assert english_words(["10 Minuten ago", "vor 10 Minuten"], [ago]) == ["10 Minuten ago"]


def test_pages_and_their_javascript_agree_on_the_texts(world: World) -> None:
    missing, unused, with_texts = {}, {}, 0
    for url, html in _pages(world):
        page = Page(html)
        sources = module_sources(page.modules)
        asked = keys_asked(sources)
        with_texts += bool(page.texts)
        if lost := asked - set(page.texts):
            missing[url] = lost
        if idle := keys_never_asked(set(page.texts), sources):
            unused[url] = idle
    assert not missing
    assert not unused
    assert with_texts >= 4


def test_a_lost_key_is_seen(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text('import { b } from "./b.js";\nt("first");\n')
    (tmp_path / "b.js").write_text("// t(\"comment\")\nt(`call_${name}_help`); const key = 'third';\n")
    sources = module_sources(["a.js"], tmp_path)
    assert keys_asked(sources) == {"first"}
    assert keys_never_asked({"first", "call_x_help", "third", "call_x", "comment"}, sources) == {"call_x", "comment"}


def test_templates_and_javascript_hold_no_prose() -> None:
    found = {}
    for path in sorted((ROOT / "static/js").rglob("*.js")):
        found[str(path)] = prose(path.read_text(encoding="utf-8"))
    for path in sorted((ROOT / "templates").rglob("*.html")):
        found[str(path)] = template_prose(path.read_text(encoding="utf-8"))
    assert not {path: words for path, words in found.items() if words}
    assert prose('button.textContent = "Join now";') == ["Join now"]
    assert template_prose('<p title="Not so">{% translate "a" %} Hello you</p>') == ["Not so", "Hello you"]


def test_every_message_is_written_in_every_language() -> None:
    for event, version in VERSIONS.items():
        for kind in ("txt", "sms.txt"):
            variables = set()
            for language in LANGUAGES:
                source = get_template(f"outbox/{event}/v{version}.{language}.{kind}").template.source
                variables.add(frozenset(re.findall(r"{{\s*(\w+)", source)))
            assert len(variables) == 1, f"{event} {kind}: a language tells less than another"
    with pytest.raises(TemplateDoesNotExist):
        get_template("outbox/visit_invitation/v1.xx.txt")


def test_a_message_in_a_language_we_do_not_write_is_not_sent() -> None:
    with pytest.raises(DeliveryFailed):
        write_words("visit_link", VERSIONS["visit_link"], "sms", "xx", {})


@pytest.mark.parametrize("language, pattern", [("en", "l, j F Y"), ("de", "l, j. F Y")])
def test_a_page_writes_dates_as_its_language_does(world: World, language: str, pattern: str) -> None:
    anna = world.cast.anna
    User.objects.filter(pk=anna.pk).update(language=language)
    response = world.client("practitioner").get(reverse("today"))
    with translation.override(language):
        assert date_format(today_of(anna), pattern) in response.content.decode()
    assert response.headers["Content-Language"] == language
    with translation.override("de" if language == "en" else "en"):
        assert date_format(timezone.now(), "F") not in response.content.decode() or timezone.now().month in (
            4,
            8,
            9,
            11,
        )


def test_the_account_decides_whatever_the_browser_asks_for(world: World) -> None:
    client = world.client("practitioner")
    client.cookies[django_settings.LANGUAGE_COOKIE_NAME] = "en"
    response = client.get(reverse("today"), headers={"accept-language": "en"})
    assert Page(response.content.decode()).language == "de"


def test_the_switch_is_remembered_with_the_account(world: World) -> None:
    world.client("practitioner").post(reverse("set_language"), {"language": "en"})
    assert User.objects.get(pk=world.cast.anna.pk).language == "en"
    assert AuditEntry.objects.latest("seq").event == "account.language_changed"
    world.client("practitioner").post(reverse("set_language"), {"language": "xx"})
    assert User.objects.get(pk=world.cast.anna.pk).language == "en"


@pytest.mark.parametrize("seat_language, accepted", [("de", "en"), ("en", "de")])
def test_the_seat_decides_whatever_the_browser_asks_for(world: World, seat_language: str, accepted: str) -> None:
    seat = patient_seat(world.appointment)
    seat.language = seat_language
    seat.save(update_fields=["language"])
    url = reverse("seat", args=[world.code])
    client, headers = world.client("patient"), {"accept-language": accepted}
    assert Page(client.get(url, headers=headers).content.decode()).language == seat_language
    client.cookies[django_settings.LANGUAGE_COOKIE_NAME] = accepted
    assert Page(client.get(url, headers=headers).content.decode()).language == accepted, (
        "the person's own choice counts"
    )


@pytest.mark.parametrize("accepted", LANGUAGES)
def test_before_the_sign_in_the_browser_decides(german: None, accepted: str) -> None:
    html = Client().get(reverse("account_login"), headers={"accept-language": accepted}).content.decode()
    assert Page(html).language == accepted
