"""Standard output carries JSON-RPC and nothing else, whoever prints."""

from pathlib import Path

import pytest

from tests.support.server import Server, eventually, stray_lines

TALKATIVE = """
import atexit, os, subprocess, sys, threading, time

def talk(place):
    print(f"printed {place}", flush=True)
    print(f"buffered {place}")
    os.write(1, f"written {place}\\n".encode())
    subprocess.run(["echo", f"echoed {place}"])

def go_on():
    while True:
        print("printed in a thread", flush=True)
        os.write(1, b"written in a thread\\n")
        time.sleep(0.02)

class Talkative:
    def find_spec(self, name, path=None, target=None):
        if name == os.environ["TALKS_AT_IMPORT"]:
            talk(f"at the import of {name}")
            if name == "fastmcp":
                atexit.register(talk, "at exit")
                threading.Thread(target=go_on, daemon=True).start()
        return None

sys.meta_path.insert(0, Talkative())
"""


@pytest.mark.long(but=1)
@pytest.mark.parametrize(
    ("library", "moments"),
    [
        ("pydantic", ["at the import of pydantic"]),
        ("platformdirs", ["at the import of platformdirs"]),
        ("fastmcp", ["at the import of fastmcp", "in a thread"]),
        ("alembic", ["at the import of alembic"]),
    ],
)
def test_what_a_library_prints_goes_to_stderr_and_never_into_the_stream(
    library: str, moments: list[str], tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(TALKATIVE)
    env = {
        "PYTHONPATH": str(tmp_path),
        "TALKS_AT_IMPORT": library,
        "STORAGE_CONNECTION_STRING": "",  # or platformdirs would not be imported
    }
    with Server(stderr=tmp_path / "stderr", env=env) as server:
        server.write(
            server.encode("initialize", server.offer())
            + server.encode("notifications/initialized", notify=True)
            + server.encode("tools/call", {"name": "save_context", "arguments": {"content": "A"}})
        )
        eventually(lambda: b'"structuredContent"' in b"".join(server.lines))
        assert server.end() == 0
    said = {f"{way} {moment}" for way in ("printed", "written") for moment in moments}
    assert stray_lines(b"".join(server.lines)) == []
    assert said - set(server.log().splitlines()) == set()
    assert len(server.lines) == 2


def test_a_print_between_the_calls_goes_to_stderr(tmp_path: Path) -> None:
    moment = tmp_path / "moment"
    (tmp_path / "sitecustomize.py").write_text(
        "import os, sys, threading, time\n"
        "def talk():\n"
        "    while not os.path.exists(os.environ['MOMENT']):\n"
        "        time.sleep(0.01)\n"
        "    print('printed late', flush=True)\n"
        "    sys.stdout.buffer.write(b'buffered late\\n')\n"
        "    sys.stdout.flush()\n"
        "    os.write(1, b'written late\\n')\n"
        "    os.unlink(os.environ['MOMENT'])\n"
        "threading.Thread(target=talk, daemon=True).start()\n"
    )
    env = {"PYTHONPATH": str(tmp_path), "MOMENT": str(moment)}
    with Server(stderr=tmp_path / "stderr", env=env) as server:
        server.handshake()
        moment.touch()
        while moment.exists():
            server.ok("list_all_projects")
        assert server.end() == 0
    assert stray_lines(b"".join(server.lines)) == []
    assert [line for line in server.log().splitlines() if line.endswith("late")] == [
        "printed late",
        "buffered late",
        "written late",
    ]
