"""A real PKCS#11 token in software: SoftHSM2, with an own folder for each test process."""

import os
import secrets
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.signing.hardware import Token
from tests.conftest import tool

MODULES = [
    "/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so", "/usr/lib64/softhsm/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so", "/opt/homebrew/lib/softhsm/libsofthsm2.so",
]  # fmt: skip


@dataclass
class SoftHsm:
    """One initialised token; `settings` are what the portal needs to use it."""

    folder: Path
    settings: dict

    def open(self, **other):
        chosen = self.settings | other
        return Token(chosen["PKCS11_MODULE"], chosen["PKCS11_TOKEN"], chosen["PKCS11_PIN"])


def make(folder):
    """A fresh token below `folder`, or a skip that says what to install."""
    pytest.importorskip("pkcs11", reason="python-pkcs11 is not installed (make test installs it)")
    util = tool("softhsm2-util")
    module = next((path for path in MODULES if Path(path).exists()), None)
    if module is None:
        pytest.skip("libsofthsm2.so was not found (see README, Tests)")
    tokens = folder / "tokens"
    tokens.mkdir()
    (folder / "softhsm2.conf").write_text(f"directories.tokendir = {tokens}\nlog.level = ERROR\n")
    os.environ["SOFTHSM2_CONF"] = str(folder / "softhsm2.conf")  # SoftHSM reads it when the module is opened
    label, pin = "portal-test", secrets.token_hex(8)
    subprocess.run(
        [util, "--module", module, "--init-token", "--free", "--label", label, "--so-pin", secrets.token_hex(8), "--pin", pin],
        check=True, capture_output=True,
    )  # fmt: skip
    return SoftHsm(tokens, {"PKCS11_MODULE": module, "PKCS11_TOKEN": label, "PKCS11_PIN": pin})
