"""Drawing operators for a page of a PDF, and the typeface they need inside the file."""

import pikepdf
from pikepdf import Array, Dictionary, Name

from app.signing.typeface import Font

VERMILION = (0.76, 0.19, 0.15)
INK = (0.13, 0.14, 0.16)
GREY = (0.42, 0.44, 0.47)


class Canvas:
    """Collects drawing operators in one typeface, which the page knows as F1; measures in points."""

    def __init__(self, font):
        self.font = font
        self._operators = ["q"]

    def add(self, operator):
        self._operators.append(operator)

    def stroke(self, colour, line_width):
        self.add("{:.2f} {:.2f} {:.2f} RG".format(*colour) + f" {line_width:.2f} w")

    def fill(self, colour):
        self.add("{:.2f} {:.2f} {:.2f} rg".format(*colour))

    def rounded_rectangle(self, x, y, width, height, radius):
        right, top, bend = x + width, y + height, radius * 0.4477
        self.add(
            f"{x + radius:.2f} {y:.2f} m {right - radius:.2f} {y:.2f} l "
            f"{right - bend:.2f} {y:.2f} {right:.2f} {y + bend:.2f} {right:.2f} {y + radius:.2f} c "
            f"{right:.2f} {top - radius:.2f} l "
            f"{right:.2f} {top - bend:.2f} {right - bend:.2f} {top:.2f} {right - radius:.2f} {top:.2f} c "
            f"{x + radius:.2f} {top:.2f} l "
            f"{x + bend:.2f} {top:.2f} {x:.2f} {top - bend:.2f} {x:.2f} {top - radius:.2f} c "
            f"{x:.2f} {y + radius:.2f} l "
            f"{x:.2f} {y + bend:.2f} {x + bend:.2f} {y:.2f} {x + radius:.2f} {y:.2f} c s"
        )

    def text(self, text, x, y, size, spacing=0.0):
        codes = self.font.codes(text)
        self.add(f"BT /F1 {size:.2f} Tf {spacing:.2f} Tc {x:.2f} {y:.2f} Td <{codes}> Tj ET")

    def operators(self):
        return ("\n".join(self._operators) + "\nQ").encode("ascii")

    def rectangle(self, x, y, width, height):
        """Filled."""
        self.add(f"{x:.2f} {y:.2f} {width:.2f} {height:.2f} re f")

    def line(self, x, y, right):
        """A level line."""
        self.add(f"{x:.2f} {y:.2f} m {right:.2f} {y:.2f} l S")


def embed(pdf: pikepdf.Pdf, font: Font) -> pikepdf.Object:
    """Put a typeface into a file that pikepdf writes; one object for all its pages."""
    descriptor = Dictionary(
        Type=Name.FontDescriptor, FontName=Name("/" + font.name), Flags=4, FontBBox=Array(font.measures["box"]),
        ItalicAngle=0, Ascent=font.measures["ascent"], Descent=font.measures["descent"], CapHeight=733, StemV=80,
        FontFile3=_deflated(pdf, font.file, Subtype=Name.CIDFontType0C),
    )  # fmt: skip
    descendant = Dictionary(
        Type=Name.Font, Subtype=Name.CIDFontType0, BaseFont=Name("/" + font.name), DW=1000,
        CIDSystemInfo=Dictionary(Registry="Adobe", Ordering="Identity", Supplement=0),
        FontDescriptor=pdf.make_indirect(descriptor),
        W=Array([part for code, width in font.widths() for part in (code, Array([width]))]),
    )  # fmt: skip
    return pdf.make_indirect(
        Dictionary(
            Type=Name.Font, Subtype=Name.Type0, BaseFont=Name(f"/{font.name}-Identity-H"), Encoding=Name("/Identity-H"),
            DescendantFonts=Array([pdf.make_indirect(descendant)]), ToUnicode=_deflated(pdf, font.to_unicode),
        )
    )  # fmt: skip


def _deflated(pdf, data, **entries):
    stream = pikepdf.Stream(pdf, b"")
    stream.write(data, filter=Name.FlateDecode)
    for key, value in entries.items():
        stream[f"/{key}"] = value
    return stream
