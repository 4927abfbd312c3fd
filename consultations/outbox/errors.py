"""How a delivery can fail. `code` is stored with the message and turned into a sentence by the page."""


class DeliveryFailed(Exception):
    """Base. `permanent` failures are not tried again."""

    permanent = True

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class TryLater(DeliveryFailed):
    """The world is down (mail server, gateway): the same message may succeed later."""

    permanent = False
