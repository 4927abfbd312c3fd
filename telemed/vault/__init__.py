"""Encryption at rest: the key ring, EncryptedTextField, blind_index and the checks that guard them."""


def check_keys() -> None:
    """Raise SystemCheckError unless every key ever used for writing is known and sound.

    `manage.py check` may skip database checks and servers run none: the server and asgi.py call this at start.
    """
    from telemed.vault.checks import require_keys

    require_keys()
