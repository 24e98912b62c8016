"""What every room of this program says when a file is refused."""


class Refusal(Exception):
    """The file is refused; `cause` is a key of the sentences in :mod:`app.signing.intake` or ``attached``."""

    def __init__(self, cause):
        super().__init__(cause)
        self.cause = cause
