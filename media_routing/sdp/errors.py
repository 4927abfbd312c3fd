"""The one error of this package."""


class SdpError(Exception):
    """The peer's SDP is refused. `code` is stable (docs/SFU.md lists them); nothing of the text is quoted."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code
