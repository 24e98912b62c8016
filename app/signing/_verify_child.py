"""The half of :mod:`app.signing.verify_apart` that opens files of unknown origin, run as a program of its own.

It limits its own memory and time before it reads a byte, and opens no connection and no file for writing.  Of
the portal it imports the verification alone: ``app`` stands here without the application in it.
"""

import json
import os
import resource
import sys
import types
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1]


def main(options):
    for what, amount in (
        (resource.RLIMIT_AS, options["memory_bytes"]),
        (resource.RLIMIT_CPU, options["cpu_seconds"]),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (amount, amount))
    package = types.ModuleType("app")
    package.__path__ = [str(FOLDER)]
    sys.modules["app"] = package
    sys.path.insert(0, str(FOLDER.parent))
    from app.signing import evidence, verify
    from app.signing.verify_apart import certificates_of, question_in

    roots, outside, expected, ends = question_in(json.loads(sys.stdin.buffer.readline()))
    pdf = sys.stdin.buffer.read()
    verdict = verify.verify(pdf, roots, outside, expected, ends)
    signers = [] if verdict.is_valid or outside else sorted(evidence.signers_of(pdf))
    answer = {"verdict": verdict.as_dict(), "signers": certificates_of(signers)}
    sys.stdout.write(json.dumps(answer))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
