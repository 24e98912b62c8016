"""ASN.1 values that are handed on as the very bytes they were read from.

asn1crypto takes a length whose last byte happens to be 0x80 for an indefinite one and encodes the value anew,
with all it holds, each time it is asked for; inside a structure that is being put together it is asked
hundreds of times.  One signature in some hundred holds a value of such a length, and took many seconds.
"""

from asn1crypto import cms, x509

CONSTRUCTED = 0x20


class _Whole:
    @classmethod
    def read(cls, der: bytes):
        """The value of `der`; what it was read from is what it is written as, but for a tag put on it later."""
        value = cls.load(der)
        value.der = der
        return value

    def _copy(self, other, copy_func):
        super()._copy(other, copy_func)
        self.der = other.der

    def dump(self, force=False):
        return bytes([self.class_ << 6 | CONSTRUCTED | self.tag]) + self.der[1:]


class WholeCertificate(_Whole, x509.Certificate):
    """A certificate, not to be changed."""


class WholeAttributes(_Whole, cms.CMSAttributes):
    """The attributes of a signature, not to be changed."""
