"""The half of :mod:`app.signing.verify_apart` that opens files of unknown origin, run as a program of its own.

It limits its own memory and time before it reads a byte, and opens no connection and no file for writing.  Of
the portal it imports the verification alone: ``app`` stands here without the application in it.  Of pyHanko likewise:
what signs and what asks the network is left out, which takes half of the time that imports take.
"""

import json
import os
import resource
import sys
import types
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1]


def leave_out_what_signs():
    """Packages that import more than is asked of them stand here bare; the HTTP client by name alone."""
    import pyhanko

    for name, folder in (("app", FOLDER), ("pyhanko.sign", Path(pyhanko.__path__[0], "sign"))):
        sys.modules[name] = types.ModuleType(name)
        sys.modules[name].__path__ = [str(folder)]
    sys.modules["aiohttp"] = absent = types.ModuleType("aiohttp")
    absent.__getattr__ = lambda name: type(name, (Exception,), {})


def main(options):
    for what, amount in (
        (resource.RLIMIT_AS, options["memory_bytes"]),
        (resource.RLIMIT_CPU, options["cpu_seconds"]),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (amount, amount))
    sys.path.insert(0, str(FOLDER.parent))
    leave_out_what_signs()
    from app.signing import evidence, verify
    from app.signing.verify_apart import certificates_of, question_in

    trust = question_in(json.loads(sys.stdin.buffer.readline()))
    pdf = sys.stdin.buffer.read()
    verdict = verify.verify(pdf, *trust)
    _, outside, *_ = trust
    signers = [] if verdict.is_valid or outside else sorted(evidence.signers_of(pdf))
    answer = {"verdict": verdict.as_dict(), "signers": certificates_of(signers)}
    sys.stdout.write(json.dumps(answer))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
