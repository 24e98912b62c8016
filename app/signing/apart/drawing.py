"""The pages of a PDF that is kept: how large they are, and how they look."""

import io
import struct
import zlib

import pypdfium2
from refusal import Refusal


def measure(pdf, options):
    """The size of every page as it is shown; see :func:`app.signing.intake.page_sizes`."""
    document = pypdfium2.PdfDocument(pdf)
    return {"sizes": [document.get_page_size(index) for index in range(len(document))]}, b""


def render(pdf, options):
    """Draw one page; see :func:`app.signing.intake.render_page`."""
    document = pypdfium2.PdfDocument(pdf)
    if not 0 <= options["page_index"] < len(document):
        raise Refusal("no_such_page")
    document.init_forms()  # without it, the stamps in signature fields are left out
    page = document[options["page_index"]]
    width, height = page.get_size()
    scale = min(options["width_px"] / width, options["height_px"] / height)
    image = page.render(scale=scale, draw_annots=True).to_pil()
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=3)
    return {"width": image.width, "height": image.height}, out.getvalue()


def rows(pdf, options):
    """Draw pages small and sum up each row of pixels; see :func:`app.signing.intake.page_rows`."""
    document = pypdfium2.PdfDocument(pdf)
    last = min(options["first"] + options["count"], len(document))
    pages = []
    for index in range(options["first"], last):
        page = document[index]
        scale = min(1, options["longest_px"] / max(page.get_size()))
        picture = page.render(scale=scale, draw_annots=True, grayscale=True)
        pixels = memoryview(picture.buffer).cast("B")
        sums = [zlib.crc32(pixels[at * picture.stride :][: picture.width]) for at in range(picture.height)]
        pages.append(struct.pack(f">{len(sums) + 1}I", picture.width, *sums))
        picture.close()
        page.close()
    return {"lengths": [len(page) for page in pages]}, b"".join(pages)
