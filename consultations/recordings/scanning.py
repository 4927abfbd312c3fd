"""Whether a file may be given to anybody: asked once for every attachment, before its first reader.

`ATTACHMENT_SCANNER` names another scanner, such as one that asks a virus scanner. The one here only knows pictures, and
leaves every other file waiting: what nobody has looked at is opened by nobody.
"""

import io
import warnings
from typing import Final, Literal, Protocol

from django.conf import settings
from django.utils.module_loading import import_string
from PIL import Image, UnidentifiedImageError

Finding = Literal["clean", "refused", "pending"]
# What the pages can show; the word is Pillow's.
PICTURES: Final = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP"}
# A picture of more is an attack on whoever opens it: cameras of phones stay below.
MOST_PIXELS: Final = 60_000_000


class Scanner(Protocol):
    def scan(self, content: bytes, content_type: str) -> Finding:
        """Return what the file is; `pending`: asked again later. May block. Raises OSError when it cannot be asked now."""


class PictureScanner:
    """Says of a picture whether it is one, whole, and of the kind that it claims to be."""

    def scan(self, content: bytes, content_type: str) -> Finding:
        kind = PICTURES.get(content_type)
        if kind is None:
            return "pending"
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", Image.DecompressionBombWarning)
                with Image.open(io.BytesIO(content), formats=[kind]) as picture:
                    if picture.width * picture.height > MOST_PIXELS:
                        return "refused"
                    picture.load()
        except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError, Warning):
            return "refused"
        return "clean"


def scanner() -> Scanner:
    """Return the configured scanner, made anew: it is asked rarely."""
    found: Scanner = import_string(settings.ATTACHMENT_SCANNER)()
    return found
