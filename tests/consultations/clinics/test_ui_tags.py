"""The design system's template tags: icons, hexadecimal colours inside <style>, and the texts that JavaScript reads."""

import json
import re

import pytest
from django.template import Context, Template, TemplateSyntaxError
from lucide import IconDoesNotExist

from consultations.clinics.templatetags.ui import css_colour


def render(source: str) -> str:
    return Template("{% load i18n ui %}" + source).render(Context())


def read_texts(source: str) -> dict[str, str]:
    block = re.search(r'<script id="texts" type="application/json">(.*)</script>', render(source), re.DOTALL)
    assert block
    return json.loads(block.group(1))


def test_an_icon_is_inline_and_hidden_from_screen_readers() -> None:
    svg = render('{% icon "mic" "icon--on" %}')
    assert svg.startswith("<svg")
    assert 'aria-hidden="true"' in svg
    assert 'class="icon icon--on"' in svg
    assert "style=" not in svg


def test_an_unknown_icon_fails_loudly() -> None:
    with pytest.raises(IconDoesNotExist):
        render('{% icon "no-such-icon" %}')


@pytest.mark.parametrize("value", ["red;}</style><script>", "#12345", "#ffffff; background: url(//x)", "#ffffff\n", ""])
def test_only_a_hexadecimal_colour_reaches_the_style(value: str) -> None:
    assert css_colour(value) == "#0f6b6b"


def test_a_colour_of_the_clinic_is_kept() -> None:
    assert css_colour("#A0b1C2") == "#A0b1C2"


def test_texts_keep_quotes_and_equal_signs() -> None:
    assert read_texts('{% texts %}said = {% translate "Tap “Allow” & a = b" %}\n\nother = x{% endtexts %}') == {
        "said": "Tap “Allow” & a = b",
        "other": "x",
    }


def test_texts_cannot_close_their_script() -> None:
    assert "</script><script>" not in render("{% texts %}bad = </script><script>{% endtexts %}")


def test_a_text_without_a_key_fails_loudly() -> None:
    with pytest.raises(TemplateSyntaxError):
        render("{% texts %}a sentence without a key{% endtexts %}")
