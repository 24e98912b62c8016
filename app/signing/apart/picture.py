"""A picture that is to lie beside a contract."""

import io

from PIL import Image, ImageOps
from refusal import Refusal

MOST_PIXELS = 40_000_000
MODES = {"JPEG": ("L", "RGB"), "PNG": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")}


def picture(given, options):
    """The picture drawn anew: upright, one frame, without place, camera, comments or bytes after its end."""
    Image.MAX_IMAGE_PIXELS = None  # counted below, before a pixel is read
    opened = Image.open(io.BytesIO(given), formats=("JPEG", "PNG"))
    if opened.width * opened.height > MOST_PIXELS:
        raise Refusal("too_many_pixels")
    form = "PNG" if opened.format == "PNG" else "JPEG"  # a camera's MPO is a JPEG with a second picture behind
    opened.load()
    drawn = ImageOps.exif_transpose(opened)
    if drawn.mode not in MODES[form]:
        drawn = drawn.convert("RGB")
    transparency = drawn.info.get("transparency")
    drawn.info = {}
    made = io.BytesIO()
    if form == "PNG":
        kept = {} if transparency is None else {"transparency": transparency}
        drawn.save(made, "PNG", compress_level=4, **kept)
    else:
        drawn.save(made, "JPEG", quality=90)
    return {"kind": "png" if form == "PNG" else "jpg"}, made.getvalue()
