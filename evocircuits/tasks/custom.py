"""Objects from a user's Python file, named as FILE.py:Name: tasks, and operators of the search.

The file's text decides: it is executed once per content, so that a file edited meanwhile gives its new objects while
those of before keep working. It must stand alone, since what it imports from beside it would escape `file_digest`.

To another machine a file travels as its content: `carried` there stands for the file of that path.
"""

import hashlib
import importlib.util
import linecache
import re
import sys
import time
import traceback
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType

from evocircuits.errors import InputError

DATA = "data:"
"""Begins the specification of a task made of labelled spikes, data:PATH.npz."""

GYM = "gym:"
"""Begins the specification of a task made of an environment, gym:ID."""

ENTRY_POINTS = "evocircuits.tasks"
"""The group in which a package names the tasks that it brings."""

SETTLED_ns = 2_000_000_000

_digests: dict[Path, tuple[tuple[int, ...] | None, str]] = {}
_modules: dict[tuple[Path, str], ModuleType] = {}
_carried: dict[Path, bytes] = {}


def load_object(spec: str) -> object:
    """The object that FILE.py:Name names; the path is absolute or counts from the working directory.

    Raises `InputError` if there is no such file, if it cannot be executed, or if it has no such name.
    """
    path, name = _split(spec)
    module = _module(path)
    if not name or name not in vars(module):
        names = [n for n, value in vars(module).items() if _own(n, value, module)]
        has = f"it has {', '.join(names)}" if names else "it defines nothing"
        raise InputError(f"{path}: expected FILE.py:Name with a name in that file, {has}; got {name!r}")
    return vars(module)[name]


def file_of(spec: str) -> Path | None:
    """The file, absolute, behind FILE.py:Name or data:PATH.npz; None for gym:ID and for plain names."""
    if spec.startswith(GYM):
        return None
    if spec.startswith(DATA):
        return _absolute(spec.removeprefix(DATA))
    return _split(spec)[0] if ":" in spec or spec.endswith(".py") else None


def absolute_spec(spec: str) -> str:
    """The same specification with its path absolute, so that it means the same in any working directory."""
    path = file_of(spec)
    if path is None:
        return spec
    return f"{DATA}{path}" if spec.startswith(DATA) else f"{path}:{_split(spec)[1]}"


def file_digest(spec: str) -> str | None:
    """The SHA-256, in hexadecimal, of the file behind a specification, or of the module behind the name of an installed
    task; None for other names.

    Raises `InputError` if there is no such file.
    """
    path = file_of(spec) or module_of(spec)
    if path is None:
        return None
    stamp = _stamp(path)
    if stamp is None or _digests.get(path, (None,))[0] != stamp:
        _digests[path] = stamp, digest_of(read_bytes(path))
    return _digests[path][1]


def digest_of(content: bytes) -> str:
    """The SHA-256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def contents(specs: Iterable[str]) -> dict[str, bytes]:
    """What the files behind these specifications hold, by path. Raises `InputError` for one that cannot be read."""
    return {str(path): read_bytes(path) for path in map(file_of, specs) if path is not None}


def carry(files: Mapping[str, bytes]) -> None:
    """From now on what `contents` found elsewhere stands for the files of these paths."""
    for path, content in files.items():
        if _carried.get(Path(path)) != content:
            _carried[Path(path)] = content
            _digests.pop(Path(path), None)


def read_bytes(path: Path) -> bytes:
    """What the file holds. Raises `InputError` if it cannot be read."""
    if path in _carried:
        return _carried[path]
    try:
        return path.read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(f"{path}: expected a file that can be read; got: {reason}") from None


def _stamp(path: Path) -> tuple[int, ...] | None:
    """By what an unchanged file is known without being read; None where there is none, or where the last change is so
    recent that one more might bear the same time.
    """
    if path in _carried:
        return ()
    try:
        stat = path.stat()
    except OSError:
        return None
    settled = time.time_ns() - stat.st_mtime_ns > SETTLED_ns
    return (stat.st_mtime_ns, stat.st_size, stat.st_ino) if settled else None


def _split(spec: str) -> tuple[Path, str]:
    file, colon, name = spec.rpartition(":")
    file, name = (file, name) if colon else (spec, "")
    if not file.endswith(".py"):
        raise InputError(f"expected FILE.py:Name, as in my_tasks.py:MyTask; got {spec!r}")
    return _absolute(file), name


def _absolute(file: str) -> Path:
    return Path(file) if Path(file) in _carried else Path(file).expanduser().resolve()


def _own(name: str, value: object, module: ModuleType) -> bool:
    """Whether a public name is the file's own and not one that it imported."""
    made_here = getattr(value, "__module__", module.__name__) == module.__name__
    return made_here and not name.startswith("_") and not isinstance(value, ModuleType)


@cache
def installed() -> dict[str, EntryPoint]:
    """By name, the tasks that packages bring along: entry points of the group `evocircuits.tasks`."""
    return {entry.name: entry for entry in entry_points(group=ENTRY_POINTS)}


def module_of(name: str) -> Path | None:
    """The file of the module that brings an installed task of that name; None where none does.

    Raises `InputError` where the module is not there.
    """
    if name not in installed():
        return None
    entry = installed()[name]
    with told(Path(entry.value), f"task {name}: expected an entry point of a module that is there"):
        return Path(importlib.util.find_spec(entry.module).origin)


def _module(path: Path) -> ModuleType:
    """The file executed as a module of a name that its place and content decide, known to `sys.modules`."""
    content = read_bytes(path)
    key = (path, digest_of(content))
    if key not in _modules:
        _modules[key] = _executed(path, content)
    return _modules[key]


def _executed(path: Path, content: bytes) -> ModuleType:
    stem = re.sub(r"\W", "_", path.stem)
    module = ModuleType(f"{stem}_{digest_of(str(path).encode() + content)[:12]}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # dataclasses and pickle look classes' modules up there
    try:
        with told(path, "expected a file that can be executed"):
            exec(compile(content, str(path), "exec", dont_inherit=True), vars(module))
    except InputError:
        del sys.modules[module.__name__]
        raise
    lines = importlib.util.decode_source(content).splitlines(keepends=True)
    # Tracebacks show these lines; without a time (None) they are not read anew when the file changes.
    linecache.cache[str(path)] = (len(content), None, lines, str(path))
    return module


@contextmanager
def told(path: Path, expected: str) -> Iterator[None]:
    """Make an `InputError` of one line, with the place in the file, of whatever the user's code raises."""
    try:
        yield
    except (Exception, SystemExit) as error:
        raise InputError(f"{_place(path, error)}: {expected}; got {_said(error)}") from error


def _place(path: Path, error: BaseException) -> str:
    """The file, and the line in it where the error arose if that is known."""
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return f"{path}, line {error.lineno}"
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == str(path)]
    return f"{path}, line {lines[-1]}" if lines else str(path)


def _said(error: BaseException) -> str:
    """The error's kind and message on one line."""
    message = error.msg if isinstance(error, SyntaxError) else str(error)
    kind = "" if isinstance(error, InputError) and message else f"{type(error).__name__}: "
    return " ".join(f"{kind}{message}".split())
