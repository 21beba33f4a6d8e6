"""Files of a result, written all or none; what a reviewer keeps beside them is never touched."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path


class OutputExists(FileExistsError):  # noqa: N818 - the name says what is the case
    """Files of the same names with other contents are already there."""

    def __init__(self, folder: Path, names: list[str]) -> None:
        """Remember the folder and the names that stand in the way."""
        self.folder, self.names = folder, names
        super().__init__(f"{folder}: {', '.join(names)}")


class OutputLocked(PermissionError):  # noqa: N818 - the name says what is the case
    """A file cannot be written or replaced, as when it is open in a spreadsheet."""

    def __init__(self, file: Path) -> None:
        """Remember the file."""
        self.file = file
        super().__init__(str(file))


def write_all(folder: Path, files: Mapping[str, bytes | str], force: bool = False) -> list[Path]:
    """Write these files into the folder, all or none; the paths of those that were not there like this.

    A `str` becomes UTF-8, with the mark that Excel needs where the name ends in `.csv`.  A file
    that is there with the same contents stays as it is.  With other contents it is an error, or
    with `force` the old one is kept as `previous/<n>/<name>`.  Other files are left alone.

    Raises:
        OutputExists: files with other contents are there, and not `force`; nothing was written.
        OutputLocked: the folder or a file cannot be written; everything is as before.
    """
    contents = {name: _encode(name, data) for name, data in files.items()}
    old = {name for name in contents if (folder / name).exists()}
    new = {name for name in contents if name not in old or _differs(folder / name, contents[name])}
    if (other := sorted(new & old)) and not force:
        raise OutputExists(folder, other)
    if new:
        _write({name: contents[name] for name in contents if name in new}, folder, new & old)
    return [folder / name for name in contents if name in new]


@contextlib.contextmanager
def growing(path: Path, force: bool = False) -> Iterator[Path]:
    """A place to write one file that is too large for memory; it gets its name when all is done.

    With an error, or an interruption, everything is as before.

    Raises:
        OutputExists: the file is there, and not `force`.
        OutputLocked: the folder or the file cannot be written; everything is as before.
    """
    there = path.exists()
    if there and not force:
        raise OutputExists(path.parent, [path.name])
    made = _make(path.parent)
    kept = _previous(path.parent, {path.name} if there else set())
    moved: list[tuple[Path, Path]] = []
    try:
        with _scratch(path.parent) as scratch:
            yield scratch / path.name
            steps = [(path, kept / path.name)] if there else []
            for source, target in [*steps, (scratch / path.name, path)]:
                _move(source, target, path)
                moved.append((source, target))
    except BaseException:
        _undo(moved, kept, made)
        raise


def _encode(name: str, data: bytes | str) -> bytes:
    if isinstance(data, bytes):
        return data
    return data.encode("utf-8-sig" if name.lower().endswith(".csv") else "utf-8")


def _differs(file: Path, data: bytes) -> bool:
    try:
        return file.read_bytes() != data
    except PermissionError as error:
        raise OutputLocked(file) from error


def _write(contents: Mapping[str, bytes], folder: Path, old: set[str]) -> None:
    made = _make(folder)
    kept = _previous(folder, old)
    moved: list[tuple[Path, Path]] = []
    try:
        with _scratch(folder) as scratch:
            for name, data in contents.items():
                (scratch / name).write_bytes(data)
            steps = [(folder / name, kept / name) for name in contents if name in old]
            steps += [(scratch / name, folder / name) for name in contents]
            for source, target in steps:
                _move(source, target, folder / source.name)
                moved.append((source, target))
    except BaseException:
        _undo(moved, kept, made)
        raise


def _make(folder: Path) -> list[Path]:
    """Make the folder; the folders that were not there before, innermost first."""
    missing = [p for p in (folder, *folder.parents) if not p.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except PermissionError as error:
        raise OutputLocked(folder) from error
    except (FileExistsError, NotADirectoryError) as error:
        raise OutputExists(folder.parent, [folder.name]) from error
    return missing


@contextlib.contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    """A new folder beside the files, on the same disk, gone afterwards."""
    try:
        path = Path(tempfile.mkdtemp(prefix=".hallsim-", dir=folder))
    except PermissionError as error:
        raise OutputLocked(folder) from error
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _previous(folder: Path, old: set[str]) -> Path:
    """The first `previous/<n>` that holds none of these names."""
    n = 1
    while any((folder / "previous" / str(n) / name).exists() for name in old):
        n += 1
    return folder / "previous" / str(n)


def _move(source: Path, target: Path, file: Path) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        source.replace(target)
    except PermissionError as error:
        raise OutputLocked(file) from error


def _undo(moved: list[tuple[Path, Path]], kept: Path, made: list[Path]) -> None:
    """Put everything back as it was: new files away, old files to their places."""
    for source, target in reversed(moved):
        if target.parent == kept:
            target.replace(source)
        else:
            target.unlink()
    for path in [kept, kept.parent, *made]:
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()
