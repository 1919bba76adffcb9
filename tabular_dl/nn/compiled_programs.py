"""Compiled programs that are kept on disk between processes, by XLA's own cache.

A process whose program another has compiled before loads it, in a fraction of the time; the weights are the same, bit
for bit. TensorFlow reads ``TF_XLA_FLAGS`` when it runs its first operation, so `use_program_folder` is called before. A
program is loaded only if its code in XLA's own language is the same, which TensorFlow compares in full.

The folder is ``$XDG_CACHE_HOME/tabular-dl/compiled`` or ``~/.cache/tabular-dl/compiled``. The environment variable
``TABULAR_DL_COMPILED_CACHE`` names another one, or is ``off``. Keeping programs is never a reason for a fit to fail:
where the folder cannot be used, programs are compiled anew.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import re
import sys
import threading
import warnings
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tabular_dl.nn.program_folder import ProgramFolder, private_folder

__all__ = ["cache_folder", "clear_programs", "record_programs", "use_program_folder"]

VARIABLE = "TABULAR_DL_COMPILED_CACHE"
FLAGS = "TF_XLA_FLAGS"
_DIRECTORY, _DEVICES = "tf_xla_persistent_cache_directory", "tf_xla_persistent_cache_device_types"
_GIVEN_DIRECTORY = re.compile(rf"--{_DIRECTORY}[= ]")
# Variables that change the machine code, but not the code in XLA's own language by which a program is found.
_CODE_VARIABLES = ("XLA_FLAGS", "TF_ENABLE_ONEDNN_OPTS", "TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS")
_CPU_FACTS = re.compile(
    r"^(vendor_id|cpu family|model|model name|stepping|flags|Features|CPU \w+|isa|cpu)\s*:.*$", re.MULTILINE
)


class _State:
    """Folder in use, and the flags before it was, until TensorFlow has read them."""

    lock = threading.Lock()
    decided = False
    folder: ProgramFolder | None = None
    flags_before: str | None = None
    flags: str | None = None


def use_program_folder() -> None:
    """Set the flag by which TensorFlow keeps compiled programs, unless the user has set it.

    Called before TensorFlow runs its first operation; later calls do nothing. Entries that are damaged are removed.

    Examples
    --------
    >>> use_program_folder()
    """
    with _State.lock:
        if _State.decided:
            return
        _State.decided = True
        given, root = _own_flags_removed(os.environ.get(FLAGS, "")), _root(os.environ)
        # Other flags may be in a file that is named instead, and no second directory is given.
        if root is None or _GIVEN_DIRECTORY.search(given) or (given and not given.startswith("-")):
            return
        folder = _folder(root, given)
        if folder is None:
            if os.environ.get(VARIABLE):
                message = f"{VARIABLE}: {root} is not used, since others may write to it, you may not, or it is full."
                warnings.warn(f"{message} Name a folder that is yours alone, or 'off'.", UserWarning, stacklevel=2)
            return
        _State.folder, _State.flags_before = folder, os.environ.get(FLAGS)
        _State.flags = os.environ[FLAGS] = f"{given} {_flags(folder.path)}".strip()


def record_programs() -> None:
    """Store the digests of programs that have just been compiled, so that other processes may load them.

    Examples
    --------
    >>> record_programs()
    """
    with _State.lock:
        if _State.folder is None:
            return
        _State.folder.record()
        # TensorFlow has read the flags. Other programs that this process starts should not have them.
        if os.environ.get(FLAGS) == _State.flags:
            os.environ.pop(FLAGS)
            if _State.flags_before is not None:
                os.environ[FLAGS] = _State.flags_before


def clear_programs() -> bool:
    """Remove all programs of the folder, after one could be neither loaded nor written.

    Returns
    -------
    bool
        Whether a folder is in use, so that compiling again may help.

    Examples
    --------
    >>> clear_programs() in (True, False)
    True
    """
    with _State.lock:
        if _State.folder is not None:
            _State.folder.clear()
        return _State.folder is not None


def cache_folder(kind: str, name: str) -> Path | None:
    """Create a folder for what is kept between processes, which only this user can change.

    Parameters
    ----------
    kind : str
        Folder in ``$XDG_CACHE_HOME/tabular-dl`` or ``~/.cache/tabular-dl``, such as "compiled"; where the variable
        ``TABULAR_DL_COMPILED_CACHE`` names a folder, that one in its place.
    name : str
        Folder in it, such as that of a version.

    Returns
    -------
    Path or None
        The folder. None if nothing is to be kept, or if others could change it.

    Examples
    --------
    >>> import tempfile
    >>> before = os.environ.get(VARIABLE)
    >>> with tempfile.TemporaryDirectory() as temporary:
    ...     os.environ[VARIABLE] = str(Path(temporary).resolve() / "kept")
    ...     folder = cache_folder("stores", "mlflow-3")
    ...     folder.parent.name, folder.name
    ('kept', 'mlflow-3')
    >>> os.environ[VARIABLE] = "off"
    >>> cache_folder("stores", "mlflow-3") is None
    True
    >>> del os.environ[VARIABLE]
    >>> if before is not None:
    ...     os.environ[VARIABLE] = before
    """
    root = _root(os.environ, kind)
    return None if root is None else _private(root, name)


def _private(root: Path, name: str) -> Path | None:
    # Both folders of the default are ours: nobody else may be able to put anything between them.
    uppermost, *between = (root.parent, root.name) if root.parent.name == "tabular-dl" else (root,)
    return private_folder(uppermost, *between, name)


def _root(environment: Mapping[str, str], kind: str = "compiled") -> Path | None:
    """Return the folder of all versions and machines, or None if nothing is to be kept."""
    setting = environment.get(VARIABLE) or ""
    if setting.strip().lower() in ("off", "0", "no", "false"):
        return None
    try:
        if setting:
            return Path(setting).expanduser()
        cache = environment.get("XDG_CACHE_HOME") or ""
        # A relative path is to be ignored, by the specification of that variable.
        base = Path(cache) if Path(cache).is_absolute() else Path.home() / ".cache"
        return base / "tabular-dl" / kind
    except RuntimeError:
        return None  # no home


def _own_flags_removed(flags: str) -> str:
    """Return flags without those that this package has set in the process that started this one."""
    pattern = rf'--{_DIRECTORY}="[^"]*/tensorflow-[^"/]+-[0-9a-f]{{32}}" --{_DEVICES}=CPU'
    return re.sub(pattern, "", flags).strip()


def _flags(path: Path) -> str:
    # Only the compiler for processors has been tried.
    return f'--{_DIRECTORY}="{path}" --{_DEVICES}=CPU'


def _folder(root: Path, other_flags: str) -> ProgramFolder | None:
    """Return the folder of this version and machine, with sound entries only, or None if it cannot be used."""
    tensorflow = _tensorflow_version()
    if tensorflow is None or any(character in str(root) for character in "\"'\\\n"):
        return None
    path = _private(root, f"tensorflow-{tensorflow}-{_key(other_flags)}")
    if path is None:
        return None
    folder = ProgramFolder(path)
    try:
        folder.verify()
        folder.limit()
        folder.remove_unused_neighbours()
        return folder if folder.has_space() else None
    except OSError:
        return None


def _tensorflow_version() -> str | None:
    """Return TensorFlow's version, or None if it does not know the flags: an unknown one ends the process."""
    try:
        package_spec = importlib.util.find_spec("tensorflow")
        for package in (package_spec and package_spec.submodule_search_locations) or ():
            header = Path(package) / "include" / "tensorflow" / "compiler" / "jit" / "flags.h"
            text = header.read_text(encoding="utf-8")
            if _DIRECTORY in text and _DEVICES in text:
                return version("tensorflow")
    except (ImportError, OSError, ValueError, PackageNotFoundError):
        pass
    return None


def _key(other_flags: str) -> str:
    """Return a digest of what machine code depends on: versions, processor, and settings."""
    try:
        own_version = version("tabular-dl")
    except PackageNotFoundError:
        own_version = ""
    facts = [sys.version, own_version, *_processor(), other_flags]
    facts += [os.environ.get(name, "") for name in _CODE_VARIABLES]
    return hashlib.sha256("\0".join(facts).encode()).hexdigest()[:32]


def _processor() -> list[str]:
    """Return what identifies the instruction set of this machine, whose home may be on others as well."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
        lines = sorted({match.group(0) for match in _CPU_FACTS.finditer(text)})
    except OSError:
        lines = [platform.node(), platform.processor(), platform.version()]
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return [platform.system(), platform.machine(), str(usable), *lines]
