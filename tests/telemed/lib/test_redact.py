import copy
import json
import logging
import pickle

import pytest

from telemed.lib.redact import Sensitive


def test_no_way_of_printing_shows_the_value(caplog) -> None:
    secret = Sensitive("Paul Patient")
    caplog.set_level(logging.INFO)
    logging.getLogger("test").info("patient %s %r", secret, [secret])
    shown = [
        str(secret),
        repr(secret),
        f"{secret}",
        f"{secret!r:>30}",
        str({"name": secret}),
        f"{secret:>20}",
        caplog.text,
    ]
    assert all("Paul" not in text for text in shown)
    assert "•••" in caplog.text


def test_reveal_gives_the_value() -> None:
    assert Sensitive("x").reveal() == "x"


def test_it_does_not_travel_into_queues_or_json() -> None:
    with pytest.raises(TypeError):
        pickle.dumps(Sensitive("x"))
    with pytest.raises(TypeError):
        copy.deepcopy(Sensitive("x"))
    with pytest.raises(TypeError):
        json.dumps(Sensitive("x"))


def test_it_compares_with_its_like_only() -> None:
    assert Sensitive("x") == Sensitive("x")
    assert Sensitive("x") != Sensitive("y")
    assert Sensitive("x") != "x"
    assert not Sensitive("")
