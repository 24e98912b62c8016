"""A real S3 server on loopback: SeaweedFS, with a bucket that has an object lock and one that has not."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import ExitStack
from pathlib import Path

import pytest

from app.errors import StorageFailed
from app.signing.store import FileStore

ACCESS_KEY, SECRET = "portal", "a-secret-for-tests-only"
START_SECONDS = 30
PORTS = [f"{part}.port{kind}" for part in ("master", "volume", "filer", "s3") for kind in ("", ".grpc")]
BUCKETS = {"plain": {}, "locked": {"x-amz-bucket-object-lock-enabled": "true"}}


class Seaweed:
    """The running server."""

    def __init__(self, folder):
        weed = shutil.which("weed", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
        if weed is None:
            pytest.skip("weed is not installed (make test installs it)")
        config = folder / "s3.json"
        identity = {"name": "portal", "credentials": [{"accessKey": ACCESS_KEY, "secretKey": SECRET}], "actions": ["Admin"]}
        config.write_text(json.dumps({"identities": [identity]}))
        ports = dict(zip(PORTS, _free_ports(len(PORTS)), strict=True))
        self._ports = {str(port) for port in ports.values()}
        self._log = folder / "weed.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [weed, "server", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-s3", f"-s3.config={config}",
                 "-s3.iam=false", "-s3.port.iceberg=0", "-s3.port.lance=0", "-master.telemetry=false", "-volume.max=20",
                 "-master.volumeSizeLimitMB=64", *(f"-{name}={port}" for name, port in ports.items())],
                stdout=log, stderr=subprocess.STDOUT, cwd=folder,
            )  # fmt: skip
        self.address = f"http://127.0.0.1:{ports['s3.port']}"
        self._wait()
        for name, headers in BUCKETS.items():
            self.store(name)._bucket._ask("PUT", {}, headers=headers)

    def _wait(self):
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                urllib.request.urlopen(f"{self.address}/healthz", timeout=1)
                return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        said = self._log.read_text(errors="replace")[-300:]
        self.stop()
        pytest.skip(f"weed did not start: {said}")

    def store(self, bucket, secret=SECRET):
        """A file store in one of the buckets, as a portal would have it."""
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
            environment.setenv("AWS_SECRET_ACCESS_KEY", secret)
            environment.setenv("AWS_ENDPOINT_URL", self.address)
            environment.setenv("AWS_ALLOW_HTTP", "true")
            environment.setenv("AWS_REGION", "ap-northeast-1")
            return FileStore.from_url(f"s3://{bucket}/長期 保管", secret)

    def stop(self):
        self._process.kill()  # nothing of it is kept, and told to end it waits ten seconds for its callers
        self._process.wait()
        for left in Path("/tmp").glob("seaweedfs-*.sock"):
            if left.stem.rpartition("-")[2] in self._ports:
                left.unlink(missing_ok=True)


def _free_ports(count):
    with ExitStack() as stack:
        taken = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in taken:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in taken]


def versions(store, path):
    """What lies, visible or hidden, under a path."""
    return store._bucket._versions(path)


def is_refused(ask, *args):
    try:
        ask(*args)
    except StorageFailed:
        return True
    return False
