"""Files of a store in a folder of this machine or of a network file system.

Nothing outside the folder is reached: no symbolic link below it is followed, except an edition that
links to another edition. New folders and files can be written by the group of a folder that its
group can write to, whatever the umask is, so that several users can share one store.
"""

from __future__ import annotations

import errno
import os
import stat
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from evenhand.errors import StoreError

NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK)
"""Errors of file systems without hard links, such as exFAT."""


@dataclass(frozen=True)
class LocalFiles:
    """Files in a folder of this machine or of a network file system."""

    location: str
    root: Path

    @classmethod
    def open(cls, folder: Path) -> LocalFiles:
        """Open a folder; one that does not exist must be possible to make."""
        location = str(folder)
        # Absolute, because a worker that gets this store may run in another folder.
        root = folder.expanduser().absolute()
        # With links that lead nowhere, in whose place no folder can be made.
        nearest = next(path for path in (root, *root.parents) if os.path.lexists(path))
        if nearest.is_symlink() and not nearest.exists():
            raise StoreError(
                f"{location}: {nearest.name} is a symbolic link to {nearest.readlink()}, "
                "which does not exist\n  make that folder, or name another one"
            )
        if not nearest.is_dir():
            raise StoreError(
                f"{location}: a store is a folder, and {nearest.name} is a file\n"
                "  name another folder"
            )
        rights = os.R_OK | os.X_OK if nearest == root else os.W_OK | os.X_OK
        if not os.access(nearest, rights):
            verb = "read" if nearest == root else "made"
            raise StoreError(f"{location}: this folder cannot be {verb}: {_obstacle(nearest)}")
        return cls(location, root)

    def versions(self, folder: str, leaf: str) -> dict[str, str]:
        """Versions by path of the files in a folder and of the `leaf` in each of its folders.

        Names that begin with a dot are left out. A symbolic link counts as a file.
        """
        found: dict[str, str] = {}
        base = self._place(folder, is_edition="/" not in folder)
        with _explained(base):
            try:
                entries = os.scandir(base)
            except FileNotFoundError:
                return found
            with entries:
                for entry in entries:
                    if entry.name.startswith("."):
                        continue
                    is_folder = entry.is_dir(follow_symlinks=False)
                    name = f"{entry.name}/{leaf}" if is_folder else entry.name
                    version = _version(f"{entry.path}/{leaf}" if is_folder else entry.path)
                    if version is not None:
                        found[f"{folder}/{name}"] = version
        return found

    def read(self, path: str, most: int | None = None) -> bytes:
        """Content of a file. Raises `FileNotFoundError` where there is none."""
        with self._opened(path) as descriptor:
            size = os.fstat(descriptor).st_size
            if most is not None and size > most:
                raise OSError(errno.EFBIG, f"it has {size:,} bytes, and at most {most:,} are read")
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                return file.read()

    def begin(self, path: str, n: int) -> bytes:
        """The first n bytes of a file."""
        with self._opened(path) as descriptor:
            return os.read(descriptor, n)

    def write(self, path: str, content: bytes) -> None:
        """Write a file by a temporary file and a rename, so that no reader finds a part of it."""
        target = self._target(path)
        with _explained(target.parent):
            _make_folder(target.parent)
            # In the same folder, because a rename is one step only within a file system.
            temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
            try:
                with temporary.open("xb") as file:
                    file.write(content)
                    file.flush()
                    # Without it, a crash of the machine can leave an empty file of the new name.
                    os.fsync(file.fileno())
                _share(temporary, stat.S_IRGRP | stat.S_IWGRP)
                temporary.replace(target)
            finally:
                temporary.unlink(missing_ok=True)

    def create(self, path: str, content: bytes) -> bool:
        """Write a file that does not exist yet; False where it exists."""
        target = self._target(path)
        if os.path.lexists(target):
            return False
        with _explained(target.parent):
            for is_last in (False, False, True):
                _make_folder(target.parent)
                try:
                    return _linked(target, content)
                except FileNotFoundError:
                    # A process that removed the same file took ours for a left-over of a write.
                    if is_last:
                        raise
        return False

    def check(self, path: str) -> None:
        """Raise `OSError` where this file could not be written.

        A folder that does not exist is not made: that depends on the folder above it alone.
        """
        target = self._target(path)
        if not os.path.lexists(target.parent):
            return
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, "it is a folder, not a file")
        with _explained(target.parent):
            probe = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
            try:
                probe.touch(exist_ok=False)
            finally:
                probe.unlink(missing_ok=True)

    def remove(self, path: str) -> None:
        """Remove a file, if there is one, and what interrupted writes of it have left."""
        target = self._target(path)
        with _explained(target.parent):
            target.unlink(missing_ok=True)
            # Writers that were killed leave temporary files.
            for left in target.parent.glob(".*"):
                if left.name.startswith(f".{target.name}."):
                    left.unlink(missing_ok=True)

    def _target(self, path: str) -> Path:
        """The file at a path, of which no folder is a link that leads elsewhere."""
        folder, _, name = path.rpartition("/")
        edition, _, key = folder.partition("/")
        place = self._place(edition, is_edition=True)
        return (self._place(folder) if key else place) / name

    def _place(self, path: str, *, is_edition: bool = False) -> Path:
        """The file or folder at a path. Raises `OSError` for a link that is not followed."""
        place = self.root / path
        # The location itself may be a link: that is the choice of the user who named it.
        if place == self.root or not place.is_symlink():
            return place
        # A nightly edition may be called `latest`, too.
        if is_edition and _real(place).parent == _real(self.root):
            return place
        raise OSError(
            errno.ELOOP, f"it is a symbolic link to {place.readlink()}, not followed here"
        )

    @contextmanager
    def _opened(self, path: str) -> Iterator[int]:
        """Descriptor of a regular file; opening a pipe would wait for a writer without end."""
        target = self._target(path)
        with _explained(target):
            self._place(path)
            mode = target.stat().st_mode
            if stat.S_ISDIR(mode):
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            if not stat.S_ISREG(mode):
                raise OSError(errno.EINVAL, "it is a pipe, a socket or a device, not a file")
            descriptor = os.open(target, os.O_RDONLY)
            try:
                yield descriptor
            finally:
                os.close(descriptor)


def _real(path: Path) -> Path:
    """The path without links; `Path.resolve` raises `RuntimeError` for links in a loop."""
    return Path(os.path.realpath(path))


def _create_exclusively(target: Path, content: bytes) -> bool:
    try:
        with target.open("xb") as file:
            file.write(content)
    except FileExistsError:
        return False
    return True


def _version(path: str) -> str | None:
    """Version of a file; None where it does not exist, "" where only reading it tells.

    It contains the inode, which differs where a file was replaced within one tick of the clock.
    """
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return None
    except OSError:
        return ""
    if not stat.S_ISREG(found.st_mode):
        return ""
    return f"{found.st_size}-{found.st_mtime_ns}-{found.st_ino}"


def _linked(target: Path, content: bytes) -> bool:
    """Write a temporary file and give it its name; False where the name is taken."""
    temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
    try:
        temporary.write_bytes(content)
        _share(temporary, stat.S_IRGRP | stat.S_IWGRP)
        # A link fails where the name is taken, on NFS as well, and shows the whole file.
        os.link(temporary, target)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        return _create_exclusively(target, content)
    finally:
        temporary.unlink(missing_ok=True)
    return True


def _make_folder(folder: Path) -> None:
    """Make a folder and those above it, each shared as the folder that it is in."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    with suppress(FileExistsError):
        folder.mkdir()
        _share(folder, stat.S_IRWXG | stat.S_ISGID)


def _share(path: Path, rights: int) -> None:
    """Give a new file or folder the group and the group's rights of the folder that it is in.

    Only in a folder that its group can write to. A folder like /tmp, where users cannot replace
    each other's files, is shared by nobody.
    """
    above = path.parent.stat()
    if not above.st_mode & stat.S_IWGRP or above.st_mode & stat.S_ISVTX:
        return
    # Some network file systems have no modes, and a user may not be in the group.
    with suppress(OSError):
        own = path.stat()
        if own.st_gid != above.st_gid:
            os.chown(path, -1, above.st_gid)
        path.chmod(stat.S_IMODE(own.st_mode) | above.st_mode & rights)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Add the owner of what forbids access to a `PermissionError` in a `with` block."""
    try:
        yield
    except PermissionError as error:
        raise PermissionError(error.errno, f"permission denied: {_owned(path)}") from error


def _obstacle(folder: Path) -> str:
    """Why a folder cannot be used, and what to do."""
    read_only = hasattr(os, "statvfs") and os.statvfs(folder).f_flag & os.ST_RDONLY
    if read_only and os.access(folder, os.R_OK | os.X_OK):
        return f"{folder} is on a read-only file system\n  name a folder on another one"
    return f"permission denied: {_owned(folder)}\n  change its permissions, or name another folder"


def _owned(path: Path) -> str:
    """The deepest part of a path that can be looked at, with its owner and permissions."""
    for place in (path, *path.parents):
        with suppress(OSError):
            found = place.lstat()
            return (
                f"{place.name or place} belongs to {_user(found.st_uid)} "
                f"({stat.filemode(found.st_mode)})"
            )
    return str(path)


def _user(number: int) -> str:
    try:
        import pwd

        return pwd.getpwuid(number).pw_name
    except (ImportError, KeyError):
        return f"user {number}"
