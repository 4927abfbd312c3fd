"""Contact details: one spelling for storing and for finding. Pure."""

import re

PHONE_PURPOSE = "patient.phone"
EMAIL_PURPOSE = "patient.email"
# What people put between digits: blanks (also no-break ones), brackets, dots, dashes, slashes.
_PHONE_FILLING = re.compile(r"[\s().\-/\u2010-\u2015]+")
_PHONE = re.compile(r"\+?[0-9]{5,15}\Z")  # E.164 §6: at most 15 digits


def normalise_email(text: str) -> str:
    """Return the address in lower case without blanks around it; mailboxes that differ by case alone do not exist."""
    return text.strip().lower()


def normalise_phone(text: str) -> str:
    """Return `+` and digits, or the digits alone; raise ValueError when it cannot be a phone number.

    A leading 00 is the international prefix of most of the world and becomes `+`.
    """
    number = _PHONE_FILLING.sub("", text.strip())
    if number.startswith("00"):
        number = "+" + number[2:]
    if number and not _PHONE.match(number):
        raise ValueError("not a phone number")
    return number
