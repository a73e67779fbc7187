"""Diagnoses of the folder of a SQLite file: a local disk, space left, no synchronisation.

SQLite's locks do not hold on network file systems (https://sqlite.org/faq.html#q5), and a program
that synchronises a folder copies the file and its write-ahead log at different moments.
"""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from os.path import exists
from pathlib import Path
from typing import Final

from extended_memory.errors import Diagnosis

_WARNING_BYTES: Final = 200_000_000
_PROBLEM_BYTES: Final = 20_000_000

_ELSEWHERE: Final = (
    "quit every client, move the file to a folder of this machine's own disk, and set "
    "STORAGE_CONNECTION_STRING to it."
)

_SYNCHRONISED: Final = {
    "dropbox": "Dropbox",
    "onedrive": "OneDrive",
    "google drive": "Google Drive",
    "googledrive": "Google Drive",
    "my drive": "Google Drive",
    "mobile documents": "iCloud",
    "iclouddrive": "iCloud",
    "icloud drive": "iCloud",
    "com~apple~clouddocs": "iCloud",
    "cloudstorage": "a cloud provider",
    "nextcloud": "Nextcloud",
    "owncloud": "ownCloud",
    "pcloud drive": "pCloud",
    "yandex.disk": "Yandex Disk",
}
"""The beginnings of folders' names, with the program that synchronises such a folder."""

_MARKERS: Final = {
    ".stfolder": "Syncthing",
    ".dropbox": "Dropbox",
    ".dropbox.cache": "Dropbox",
    ".sync": "Resilio Sync",
}
"""Entries of the topmost folder that a program synchronises."""

_NETWORK: Final = frozenset(
    [
        "nfs",
        "nfs4",
        "cifs",
        "smb",
        "smb2",
        "smb3",
        "smbfs",
        "afs",
        "afpfs",
        "ncpfs",
        "ceph",
        "glusterfs",
        "lustre",
        "9p",
        "webdav",
        "davfs",
        "fuse.sshfs",
        "fuse.rclone",
        "fuse.s3fs",
        "fuse.davfs",
        "fuse.glusterfs",
        "fuse.gvfsd-fuse",
        "fuse.cephfs",
        "vboxsf",
        "drvfs",
        "macfuse",
        "osxfuse",
    ]
)
"""The types of network file systems, as the system names them."""


def diagnoses(folder: Path, needed: int) -> Iterator[Diagnosis]:
    """Diagnose the folder of a file; ``needed`` is the file's size in bytes."""
    there = next(each for each in (folder, *folder.parents) if exists(each))
    yield _disk_diagnosis(there, needed)
    synchronised = _synchroniser(folder)
    if synchronised:
        yield Diagnosis(
            level="warning",
            fact=f"The memory lies in a folder that {synchronised} synchronises.",
            remedy=_ELSEWHERE,
        )
    kind = _file_system(there)
    if kind in _NETWORK:
        yield Diagnosis(
            level="warning",
            fact=f"The memory lies on a network file system ({kind}).",
            remedy=_ELSEWHERE,
        )
    elif not synchronised:
        unknown = "; which file system it is on is unknown" if not kind else f" ({kind})"
        yield Diagnosis(fact=f"The folder is neither synchronised nor on a network{unknown}.")


def _disk_diagnosis(folder: Path, needed: int) -> Diagnosis:
    free = shutil.disk_usage(folder).free
    fact = f"{free / 1_000_000_000:,.1f} GB of the disk are free."
    if free < _PROBLEM_BYTES:
        return Diagnosis(
            level="problem",
            fact=f"{free / 1_000_000:,.1f} MB of the disk are free.",
            remedy="free some space, or nothing can be saved soon.",
        )
    if free < max(_WARNING_BYTES, 2 * needed):
        return Diagnosis(
            level="warning",
            fact=fact,
            remedy="free some space: a backup needs as much as the file.",
        )
    return Diagnosis(fact=fact)


def _synchroniser(folder: Path) -> str:
    """Return the program that synchronises a folder, by names and entries of it and those above."""
    for each in (folder, *folder.parents):
        name = each.name.lower()
        for beginning, who in _SYNCHRONISED.items():
            if name == beginning or name.startswith((f"{beginning} ", f"{beginning}-")):
                return who
        for marker, who in _MARKERS.items():
            if exists(each / marker):
                return who
    return ""


def _file_system(folder: Path) -> str:
    """Return the type of a folder's file system, "" where the system does not say."""
    if sys.platform == "win32":
        return _windows_drive(folder)
    if sys.platform == "darwin":
        return _mounted(_mac_mounts(), folder)
    mounts = Path("/proc/self/mounts")
    if not mounts.exists():
        return ""
    lines = (line.split() for line in mounts.read_text("utf-8", errors="replace").splitlines())
    # A space in a path is written as an octal number there.
    return _mounted([(fields[1].replace("\\040", " "), fields[2]) for fields in lines], folder)


def _mounted(mounts: list[tuple[str, str]], folder: Path) -> str:
    """Return the type of the mount that a folder is below, the last of several."""
    found = [
        (len(at), number, kind)
        for number, (at, kind) in enumerate(mounts)
        if folder.is_relative_to(at)
    ]
    return max(found)[2] if found else ""


def _mac_mounts() -> list[tuple[str, str]]:
    """Read lines such as ``//me@server/share on /Volumes/share (smbfs, nodev)``."""
    listed = subprocess.run(["/sbin/mount"], capture_output=True, text=True, check=False).stdout
    found = []
    for line in listed.splitlines():
        _, _, rest = line.partition(" on ")
        at, _, options = rest.rpartition(" (")
        found.append((at, options.partition(",")[0].rstrip(")")))
    return found


def _windows_drive(folder: Path) -> str:
    import ctypes

    remote = 4  # DRIVE_REMOTE of GetDriveTypeW
    anchor = folder.resolve().anchor
    if anchor.startswith("\\\\"):
        return "smb"
    windll = getattr(ctypes, "windll")  # noqa: B009 - there on Windows alone
    return "smb" if windll.kernel32.GetDriveTypeW(anchor) == remote else "a local drive"
