"""A picture that a browser sent: drawn anew here too, so that nothing but the picture is kept (SEC-19)."""

import io
import warnings
from typing import Final

from PIL import Image, ImageOps, UnidentifiedImageError

from consultations.recordings.scanning import MOST_PIXELS
from consultations.rooms.refusals import Refused

MOST_STILL_BYTES: Final = 8 * 1024 * 1024  # as in static/js/lib/still_parts.js
QUALITY = 92


def redraw_still(content: bytes) -> bytes:
    """Return the picture as a JPEG without place, time or device; raise Refused for what is no JPEG, or too large."""
    if len(content) > MOST_STILL_BYTES:
        raise Refused("attachment_too_large", status=413)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=["JPEG"]) as picture:
                if picture.width * picture.height > MOST_PIXELS:
                    raise Refused("attachment_too_large", status=413)
                upright = ImageOps.exif_transpose(picture).convert("RGB")
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError, Warning):
        raise Refused("attachment_refused", status=422) from None
    upright.info.clear()  # else the writer takes comments and profiles along
    out = io.BytesIO()
    upright.save(out, "JPEG", quality=QUALITY)
    return out.getvalue()
