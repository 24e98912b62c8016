"""Opens files of unknown origin: the half of :mod:`app.signing.intake` and ``attached`` that is a program of its own.

It is started by its path, without the portal's environment, limits its own memory and time before
it reads a byte, reads the file from standard input and answers on standard output: one line of JSON, then bytes.
Its rooms import the standard library, one library for the kind of file, and each other by their bare names,
nothing of the portal: so it starts quickly and has nothing to give away when a file turns out to be an attack.
"""

import json
import os
import resource
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # an isolated program is not given its own folder
from refusal import Refusal  # noqa: E402

# Each task is a function of the room that is named here; only that room is imported, and after the limits are set.
ROOMS = {
    "inspect": "upload", "measure": "drawing", "render": "drawing", "rows": "drawing",
    "picture": "picture", "office": "office",
}  # fmt: skip


def main(task, options):
    """Do one task, answer, and leave without tidying up: the process ends here anyway."""
    limit_resources(options["memory_bytes"], options["cpu_seconds"])
    given = sys.stdin.buffer.read()
    try:
        answer = getattr(__import__(ROOMS[task]), task)(given, options)
    except Refusal as refusal:
        answer = {"cause": refusal.cause}, b""
    except (MemoryError, RecursionError):
        answer = {"cause": "too_complex"}, b""
    except ImportError:
        raise  # a broken installation is not the uploader's doing
    except Exception as error:
        answer = {"cause": "damaged", "detail": f"{type(error).__name__}: {error}"[:500]}, b""
    facts, body = answer
    if facts.get("cause") == "damaged" and _peak_bytes() > options["memory_bytes"] // 2:
        facts["cause"] = "too_complex"  # a library calls a failed allocation damage
    sys.stdout.buffer.write(json.dumps(facts).encode() + b"\n")
    sys.stdout.buffer.write(body)
    sys.stdout.flush()
    os._exit(0)


def limit_resources(memory_bytes, cpu_seconds):
    """Cap memory and CPU time; forbid writing files and core dumps."""
    for what, amount in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CPU, cpu_seconds),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (amount, amount))


def _peak_bytes():
    """The most memory this process has held; 0 where the system does not tell."""
    try:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        return 0


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))
