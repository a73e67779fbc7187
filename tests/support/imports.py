"""What a process imports, and when."""

from pathlib import Path

CLOCK = """
import os, sys, time

class Clock:
    seen = set()

    def find_spec(self, name, path=None, target=None):
        name = name.partition(".")[0]
        if name not in self.seen:
            self.seen.add(name)
            with open(os.environ["IMPORT_LOG"], "a") as log:
                log.write(f"{name} {time.monotonic()}\\n")
        return None

sys.meta_path.insert(0, Clock())
"""


def imports(log: Path) -> dict[str, float]:
    """Return the times at which libraries were first looked for."""
    return {name: float(moment) for name, moment in map(str.split, log.read_text().splitlines())}
