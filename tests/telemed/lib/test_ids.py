import hashlib
import re

from telemed.lib import ids


def test_public_ids_are_22_letters_and_digits_and_differ() -> None:
    made = {ids.public_id() for _ in range(1000)}
    assert len(made) == 1000
    assert all(re.fullmatch(r"[0-9A-Za-z]{22}", one) for one in made)


def test_public_ids_carry_128_bits(monkeypatch) -> None:
    monkeypatch.setattr(ids.secrets, "randbits", lambda bits: 2**bits - 1)
    largest = ids.public_id()
    monkeypatch.setattr(ids.secrets, "randbits", lambda bits: 2**127 - 1)
    assert ids.public_id() != largest  # the top bit is not cut off
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    assert sum(digits.index(digit) * 62**place for place, digit in enumerate(largest)) == 2**128 - 1


def test_tokens_carry_256_bits_and_only_their_hash_is_kept() -> None:
    token = ids.new_token()
    assert re.fullmatch(r"[0-9A-Za-z_-]{43}", token)
    assert token != ids.new_token()
    assert ids.token_hash(token) == hashlib.sha256(token.encode()).hexdigest()
