"""A real SMTP server on loopback that keeps every mail as a numbered file and sends none on."""

import socket
import threading
from pathlib import Path

from aiosmtpd.controller import Controller


class MailServer:
    """Stores mails as 000001.eml, 000002.eml, … in `folder`, in the order they came."""

    def __init__(self, folder: Path):
        self.folder = Path(folder)
        self._lock = threading.Lock()
        self.port = _free_port()
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port, ready_timeout=10)

    def start(self):
        self._controller.start()

    def stop(self):
        self._controller.stop()

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802  aiosmtpd's name
        with self._lock:
            newest = max((int(path.stem) for path in self.folder.glob("*.eml")), default=0)
            path = self.folder / f"{newest + 1:06d}.eml"
            partial = path.with_suffix(".part")
            partial.write_bytes(envelope.content)
            partial.replace(path)
        return "250 OK"


def _free_port():
    """A port that nobody uses now; aiosmtpd cannot be given 0."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
