from pathlib import Path

import pytest

from telemed.lib import env
from telemed.lib.env import EnvError


def test_a_missing_variable_without_default_stops() -> None:
    for read in (env.env_str, env.env_bool, env.env_int, env.env_list, env.env_secret):
        with pytest.raises(EnvError, match="THING is not set"):
            read("THING", environ={})


def test_defaults_apply_to_unset_variables_only() -> None:
    assert env.env_str("THING", "x", environ={}) == "x"
    assert env.env_str("THING", "x", environ={"THING": ""}) == ""
    assert env.env_bool("THING", True, environ={}) is True
    assert env.env_int("THING", 7, environ={}) == 7
    assert env.env_list("THING", ["a"], environ={}) == ["a"]


@pytest.mark.parametrize(
    "text, value",
    [("1", True), ("TRUE", True), (" yes ", True), ("on", True), ("0", False), ("False", False), ("no", False)],
)
def test_booleans(text: str, value: bool) -> None:
    assert env.env_bool("THING", not value, environ={"THING": text}) is value


@pytest.mark.parametrize("text", ["", "ture", "2", "enabled"])
def test_a_misspelt_boolean_stops_instead_of_meaning_no(text: str) -> None:
    with pytest.raises(EnvError, match="THING must be one of"):
        env.env_bool("THING", False, environ={"THING": text})


def test_whole_numbers_have_limits() -> None:
    assert env.env_int("THING", minimum=1, maximum=9, environ={"THING": "9"}) == 9
    for text in ("10", "0", "9.5", "nine", ""):
        with pytest.raises(EnvError, match="THING must be"):
            env.env_int("THING", 5, minimum=1, maximum=9, environ={"THING": text})


def test_time_zones_are_known_ones() -> None:
    assert env.env_time_zone("ZONE", "Europe/Berlin", environ={}) == "Europe/Berlin"
    assert env.env_time_zone("ZONE", "Europe/Berlin", environ={"ZONE": "Asia/Kolkata"}) == "Asia/Kolkata"


@pytest.mark.parametrize("name", ["Berlin", "Europe", "../etc/passwd", "", "/etc/passwd"])
def test_a_time_zone_that_is_none_stops(name: str) -> None:
    with pytest.raises(EnvError, match="ZONE must be a time zone"):
        env.env_time_zone("ZONE", "Europe/Berlin", environ={"ZONE": name})


def test_lists_drop_blanks_and_empty_items() -> None:
    assert env.env_list("THING", environ={"THING": " a, b ,,c "}) == ["a", "b", "c"]
    assert env.env_list("THING", ["x"], environ={"THING": ""}) == []


def test_a_default_list_is_not_shared() -> None:
    default = ["a"]
    env.env_list("THING", default, environ={}).append("b")
    assert default == ["a"]


def test_secrets_come_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("s3cret \n")
    assert env.env_secret("KEY", environ={"KEY_FILE": str(path)}) == "s3cret "
    assert env.env_secret("KEY", environ={"KEY": "direct"}) == "direct"


def test_refused_secrets_are_never_shown(tmp_path: Path) -> None:
    path = tmp_path / "empty"
    path.write_text("\n")
    cases = [
        {"KEY": "hunter2", "KEY_FILE": str(path)},
        {"KEY_FILE": str(path)},
        {"KEY_FILE": str(tmp_path / "absent")},
        {"KEY": ""},
    ]
    for environ in cases:
        with pytest.raises(EnvError) as caught:
            env.env_secret("KEY", "default", environ=environ)
        assert "hunter2" not in str(caught.value)


def test_the_real_environment_is_the_default(monkeypatch) -> None:
    monkeypatch.setenv("TELEMED_TEST_THING", "here")
    assert env.env_str("TELEMED_TEST_THING") == "here"
