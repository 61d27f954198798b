"""`python -m tests.fuzz MINUTES`, which is `make fuzz`: the property tests alone, on ever new examples.

It goes in rounds, each of three times the examples of `make test`, and begins no round after so many minutes. A round
that finds something is the last. What was found is kept in .hypothesis/ and is tried first from then on, also by
`make test`; before it is mended it becomes an `@example` of its test.
"""

import subprocess
import sys
from time import monotonic

ROUND = (
    *(sys.executable, "-m", "pytest", "-m", "hypothesis and not services", "-n", "auto"),
    *("--hypothesis-profile=fuzz", "--timeout=900"),
)
USUAL_MINUTES = "10"


def main(minutes: float) -> int:
    over_at = monotonic() + 60 * minutes
    rounds = 0
    while monotonic() < over_at:
        if code := subprocess.run(ROUND, check=False).returncode:  # noqa: S603  # our own words
            return code
        rounds += 1
    sys.stdout.write(f"fuzz: nothing was found in {rounds} rounds\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(float((sys.argv[1:] or [USUAL_MINUTES])[0])))
