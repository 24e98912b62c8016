"""List which requirement numbers have a passing test and which have none.

Reads what the last test runs left in var/requirements-*.json.
"""

import json
import sys
from pathlib import Path

NUMBERS = [
    *(f"R{n}" for n in range(1, 114)),
    *(f"I{n}" for n in range(1, 22)),
    *(f"L{n}" for n in range(1, 25)),
    *(f"D{n}" for n in range(1, 12)),
    *(f"T{n}" for n in range(1, 19)),
]


def main():
    files = sorted(Path("var").glob("requirements-*.json"))
    if not files:
        sys.exit("No test run to read. Run: make test")
    runs = {path.stem.removeprefix("requirements-"): json.loads(path.read_text()) for path in files}
    missing = []
    for number in NUMBERS:
        counts = {name: run.get(number, {}) for name, run in runs.items()}
        if any(count.get("passed") and not count.get("failed") for count in counts.values()):
            words = ", ".join(f"{count.get('passed', 0)} on {name}" for name, count in counts.items())
            print(f"{number:5} passing tests: {words}")
        else:
            missing.append(number)
    print(f"\n{len(NUMBERS) - len(missing)} of {len(NUMBERS)} numbers have a passing test. None: {' '.join(missing)}")


if __name__ == "__main__":
    main()
