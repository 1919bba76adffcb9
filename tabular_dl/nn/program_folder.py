"""Folder of compiled programs, which are loaded only as they were written.

TensorFlow writes an entry under a temporary name and renames it, but it loads whatever it finds: a truncated entry ends
training with an error, and flipped bits in machine code may do anything. So the digest of an entry is stored beside it
as soon as it has been written, and entries that do not match their digest are removed before TensorFlow looks for them.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
import time
from contextlib import suppress
from pathlib import Path

from tabular_dl.atomic_files import write_text
from tabular_dl.errors import UserError

__all__ = ["ProgramFolder", "is_own_file", "private_folder"]

MOST_BYTES, MOST_PROGRAMS = 2**27, 200
# Free space below which the folder is not used: TensorFlow ends training with an error if it cannot write an entry.
LEAST_FREE_BYTES = 2**28
SECONDS_OF_UNUSED_FOLDERS = 30 * 24 * 3600
SECONDS_OF_PARTS = 3600  # an entry is written in less than a second
# Names of folders below the root, of which those that are old are removed.
FOLDER_NAME = re.compile(r"tensorflow-[0-9A-Za-z.+]+-[0-9a-f]{32}")
_OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH


def private_folder(root: Path, *parts: str) -> Path | None:
    """Create a folder that only this user can change, or return None if that is impossible.

    Compiled programs are executable code, so nobody else may be able to put one there: ``root`` and the folders below
    it belong to the user, nobody else may write into them, and none is a symbolic link. The folders above belong to
    the user or to root, and nobody else may write into them, but for folders like ``/tmp``, in which users cannot touch
    each other's files.

    Parameters
    ----------
    root : Path
        Uppermost folder to create; a relative path, and one without a parent, is refused.
    *parts : str
        Names of the folders below it.

    Returns
    -------
    Path or None
        The innermost folder.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as temporary:
    ...     folder = private_folder(Path(temporary).resolve() / "programs", "a")
    ...     folder.name, oct(folder.stat().st_mode & 0o777)
    ('a', '0o700')
    """
    if not root.is_absolute() or root == Path(root.anchor) or not hasattr(os, "geteuid"):
        return None
    try:
        root.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        above = root.parent.resolve(strict=True)
        if not all(_is_guarded(folder) for folder in (above, *above.parents)):
            return None
        folder = above
        for name in (root.name, *parts):
            folder = folder / name
            with suppress(FileExistsError):
                folder.mkdir(mode=0o700)
            if not _is_own(folder, stat.S_IFDIR):
                return None
        return folder if os.access(folder, os.W_OK | os.X_OK) else None
    except (OSError, RuntimeError):
        return None  # a read-only home, a full disk, or links in a circle


def _is_guarded(folder: Path) -> bool:
    status = folder.stat()
    shared = status.st_mode & _OTHERS_MAY_WRITE and not status.st_mode & stat.S_ISVTX
    return status.st_uid in (0, os.geteuid()) and not shared


def _is_own(path: Path, kind: int) -> bool:
    """Whether a path is of a kind and no link, belongs to this user, and others may not write to it."""
    status = path.lstat()
    own = stat.S_IFMT(status.st_mode) == kind and status.st_uid == os.geteuid()
    return own and not status.st_mode & _OTHERS_MAY_WRITE


def is_own_file(path: Path) -> bool:
    """Return whether a path is a regular file of this user, no link, which others may not change.

    Parameters
    ----------
    path : Path
        File in a folder from `private_folder`.

    Returns
    -------
    bool
        False also if there is no such file.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile() as file:
    ...     is_own_file(Path(file.name)), is_own_file(Path(file.name).parent)
    (True, False)
    """
    with suppress(OSError):
        return _is_own(path, stat.S_IFREG)
    return False


class ProgramFolder:
    """Entries of one version of TensorFlow on one kind of machine.

    Any number of processes may use it at once. An entry that another process has removed is compiled again.

    Parameters
    ----------
    path : Path
        Folder from `private_folder`.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as temporary:
    ...     folder = ProgramFolder(Path(temporary))
    ...     _ = [(folder.path / f"{name}.pb").write_bytes(b"compiled") for name in "ab"]
    ...     folder.record()
    ...     _ = (folder.path / "a.pb").write_bytes(b"compi")
    ...     folder.verify()
    ...     sorted(path.name for path in folder.path.iterdir())
    ['b.pb', 'b.pb.sha256']
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._verified: dict[str, tuple[int, ...]] = {}  # state of each entry whose digest is right

    def has_space(self) -> bool:
        """Whether the disk has space for further entries."""
        return shutil.disk_usage(self.path).free >= LEAST_FREE_BYTES

    def verify(self) -> None:
        """Remove entries that do not match their digest, or have none, and parts that were left behind."""
        self._verified = {}
        for path in self._files():
            if path.suffix == ".pb":
                self._verify(path)
            elif path.suffix == ".sha256":
                if not path.with_suffix("").exists():
                    _remove(path)
            elif _last_used(path) < time.time() - SECONDS_OF_PARTS:
                _remove(path)

    def _verify(self, path: Path) -> None:
        with suppress(OSError):
            state = _state(path)
            if _is_own(path, stat.S_IFREG) and _digest_file(path).read_text(encoding="ascii") == _digest(path):
                self._verified[path.name] = state
                return
        _remove(path)

    def limit(self) -> None:
        """Remove the entries that were not used for longest, until the folder is within its limits."""
        sizes = {}
        for path in self._files():
            with suppress(OSError):
                sizes[path] = (_last_used(path), path.stat().st_size)
        entries = sorted((path for path in sizes if path.suffix == ".pb"), key=lambda path: sizes[path][0])
        total = sum(size for _, size in sizes.values())
        for count, path in zip(range(len(entries), 0, -1), entries, strict=True):
            if total <= MOST_BYTES and count <= MOST_PROGRAMS:
                return
            _remove(path)
            total -= sizes[path][1]

    def remove_unused_neighbours(self) -> None:
        """Remove the folders of other versions and machines that no process has used for 30 days."""
        with suppress(OSError):
            os.utime(self.path)
            for folder in self.path.parent.iterdir():
                is_of_programs = FOLDER_NAME.fullmatch(folder.name) and _is_own(folder, stat.S_IFDIR)
                if is_of_programs and folder.stat().st_mtime < time.time() - SECONDS_OF_UNUSED_FOLDERS:
                    shutil.rmtree(folder, ignore_errors=True)

    def record(self) -> None:
        """Store the digests of the entries that have been written since the folder was verified."""
        for path in self._files():
            if path.suffix != ".pb":
                continue
            with suppress(OSError, UserError):  # without a digest, it is compiled again
                state = _state(path)
                if self._verified.get(path.name) != state:
                    write_text(_digest_file(path), _digest(path))
                    self._verified[path.name] = state

    def clear(self) -> None:
        """Remove all entries, and the parts of entries."""
        for path in self._files():
            _remove(path)

    def _files(self) -> list[Path]:
        with suppress(OSError):
            return [path for path in self.path.iterdir() if path.is_symlink() or not path.is_dir()]
        return []


def _digest_file(entry: Path) -> Path:
    return entry.with_name(f"{entry.name}.sha256")


def _state(path: Path) -> tuple[int, ...]:
    status = path.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns


def _digest(path: Path) -> str:
    # The time of access is when TensorFlow last loaded an entry.
    flags = os.O_RDONLY | getattr(os, "O_NOATIME", 0) | getattr(os, "O_NOFOLLOW", 0)
    with os.fdopen(os.open(path, flags), "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _last_used(path: Path) -> float:
    """Return the time of the last access or change; 0 if the file is gone."""
    with suppress(OSError):
        status = path.lstat()
        return max(status.st_atime, status.st_mtime)
    return 0.0


def _remove(path: Path) -> None:
    for each in (path, _digest_file(path)):
        with suppress(OSError):
            each.unlink()
