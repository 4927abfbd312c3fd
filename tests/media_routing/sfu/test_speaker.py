"""Who has the word: soon, and without flapping."""

from random import Random

import pytest

from media_routing.sfu.speaker import SpeakerDetector

QUIET, LOUD, VERY_LOUD = 70, 30, 15


class Table:
    """Plays levels of 20 ms packets; `changes` are (time, who has the word)."""

    def __init__(self, *names, packet_s=0.02):
        self.detector = SpeakerDetector()
        self.now = 100.0
        self.packet_s = packet_s
        self.changes = []
        for name in names:
            self.detector.add(name, self.now)

    def play(self, seconds, **levels):
        began = self.now
        for step in range(round(seconds / self.packet_s)):
            self.now = began + step * self.packet_s
            for name, level in levels.items():
                self.detector.on_level(name, level() if callable(level) else level, self.now)
            before = self.detector.order[0]
            self.detector.tick(self.now)
            if self.detector.order[0] != before:
                self.changes.append((round(self.now - began, 3), self.detector.order[0]))
        self.now = began + seconds


def test_who_begins_to_speak_has_the_word_within_half_a_second():
    table = Table("anna", "ben")
    table.play(2, anna=QUIET, ben=QUIET)
    assert table.changes == []
    table.play(1, anna=QUIET, ben=LOUD)
    ((after_s, who),) = table.changes
    assert who == "ben"
    assert after_s < 0.5
    assert table.detector.speaking == {"ben"}


def test_the_word_passes_within_a_second():
    table = Table("anna", "ben")
    table.play(3, anna=LOUD, ben=QUIET)
    table.play(2, anna=QUIET, ben=LOUD)
    assert [who for _, who in table.changes] == ["ben"]
    assert table.changes[0][0] <= 0.3


def test_a_word_of_assent_between_two_words_is_not_a_turn():
    table = Table("anna", "ben")
    for _ in range(10):
        table.play(0.6, anna=LOUD, ben=QUIET)
        table.play(0.2, anna=QUIET, ben=LOUD)
    assert table.changes == []


def test_a_cough_is_no_speech():
    table = Table("anna", "ben")
    table.play(2, anna=LOUD, ben=QUIET)
    table.play(0.12, anna=QUIET, ben=VERY_LOUD)
    table.play(2, anna=LOUD, ben=QUIET)
    assert table.changes == []


def test_pauses_between_words_keep_the_word():
    table = Table("anna", "ben")
    for _ in range(20):
        table.play(0.5, anna=LOUD, ben=QUIET)
        table.play(0.3, anna=QUIET, ben=QUIET)
    assert table.changes == []
    assert table.detector.speaking == {"anna"}


@pytest.mark.parametrize("seed", range(5))
def test_two_at_once_do_not_make_the_picture_flap(seed):
    random = Random(seed)
    table = Table("anna", "ben")
    table.play(30, anna=lambda: random.randint(15, 45), ben=lambda: random.randint(15, 45))
    assert len(table.changes) <= 3


def test_who_talks_clearly_louder_takes_the_word_within_a_second():
    table = Table("anna", "ben")
    table.play(3, anna=LOUD, ben=QUIET)
    table.play(2, anna=LOUD, ben=VERY_LOUD)
    ((after_s, who),) = table.changes
    assert who == "ben"
    assert 0.6 <= after_s <= 1.5


def test_three_who_interrupt_each_other_change_at_most_twice_a_second():
    table = Table("anna", "ben", "cem")
    began = len(table.changes)
    for _ in range(10):
        for name in ("anna", "ben", "cem"):
            others = {other: QUIET for other in ("anna", "ben", "cem") if other != name}
            table.play(0.4, **{name: LOUD}, **others)
    assert len(table.changes) - began <= 24


@pytest.mark.parametrize("packet_s", [0.02, 0.04, 0.06])
def test_the_length_of_packets_does_not_matter(packet_s):
    table = Table("anna", "ben", packet_s=packet_s)
    table.play(1.2, anna=QUIET, ben=LOUD)
    assert table.detector.order == ("ben", "anna")


@pytest.mark.parametrize("seed", range(3))
def test_a_third_of_the_packets_lost_does_not_matter(seed):
    random = Random(seed)
    detector = SpeakerDetector()
    detector.add("anna", 0.0)
    detector.add("ben", 0.0)
    for step in range(100):
        if random.random() > 0.33:
            detector.on_level("ben", LOUD, step * 0.02)
        detector.tick(step * 0.02)
    assert detector.order[0] == "ben"


def test_who_stops_sending_stops_speaking():
    table = Table("anna", "ben")
    table.play(2, anna=LOUD)
    table.play(1)
    table.play(0.5, ben=QUIET)
    assert table.detector.speaking == frozenset()
    assert table.detector.order == ("anna", "ben")


def test_the_order_is_by_who_had_the_word_last():
    table = Table("anna", "ben", "cem")
    for name in ("cem", "ben", "cem", "anna"):
        table.play(1.5, **{name: LOUD})
        table.play(0.5)
    assert table.detector.order == ("anna", "cem", "ben")


def test_who_was_not_heard_for_ten_seconds_is_silent():
    table = Table("anna", "ben")
    table.play(9, anna=LOUD, ben=QUIET)
    assert table.detector.silent(table.now) == frozenset()
    table.play(2, anna=LOUD, ben=QUIET)
    assert table.detector.silent(table.now) == {"ben"}


def test_levels_of_strangers_and_of_those_who_left_are_ignored():
    table = Table("anna", "ben")
    table.detector.remove("ben")
    table.detector.remove("ben")
    table.play(1, ben=LOUD, cem=LOUD)
    assert table.detector.order == ("anna",)
    assert table.detector.speaking == frozenset()
