"""A page on which models run in the browser: written for a static host, or served to this machine.

The page (``examples/web`` of the source, ``mirzoo/web`` of an installed package) is HTML and
JavaScript without a build step. What it needs besides is put together here: models as ``.tflite``
files, decided inside wherever a decoder would else have to be written again; a list of them with
their contracts; and LiteRT.js, which npm downloads once.
"""

from __future__ import annotations

import contextlib
import json
import mimetypes
import os
import tarfile
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from mirzoo import hub
from mirzoo._support.files import cache_home, sha256, unfinished
from mirzoo._support.locks import locked
from mirzoo._support.switches import require_switches
from mirzoo.artefact import KERAS_FILE, LITERT_FILE
from mirzoo.errors import DataError, ExportError, PullError
from mirzoo.ports._package import NpmPackage, fetch
from mirzoo.tasks.base import TASKS

MODELS = (
    "mel_cnn_tagger",
    "cqt_crnn_chords",
    "stft_crnn_melody",
    "mel_cnn_live_tagger",
    "vqt_crnn_live_chords",
    "stft_crnn_live_melody",
)
"""Of each task that the page shows, one that is quick enough for it, and one for the microphone."""

CORE = NpmPackage(
    "@litertjs/core", "2.5.3", "a97660833e9e7e1063c95e12016718881240b14f7438728a2f62785e912d30fd"
)
UTILITIES = NpmPackage(
    "@litertjs/wasm-utils",
    "2.5.3",
    "ce2a1f8379c067be49e59752e5a7f40db6be09f6e497f0f11e59f17b515366a7",
)
VARIANTS = ("", "_compat")
"""Of the WebAssembly: with relaxed SIMD, and for browsers without. Neither has threads, and so the
page needs no special headers."""

HOST = "127.0.0.1"

Site = Mapping[str, bytes | Path]
"""What lies at each path of a site, below its root."""


def site(models: Iterable[str] = MODELS, *, song: Path | None = None) -> dict[str, bytes | Path]:
    """Put the page, its models and LiteRT.js together.

    The first time, models are exported, which takes some seconds each, and LiteRT.js is
    downloaded; both are cached.

    Parameters
    ----------
    models : iterable of str
        Names or folders of models, of each task one: tags, chords, melody; and one made for live
        sound (`live: true`), which then serves the microphone.
    song : path, optional
        A sound file that the page opens by itself.

    Returns
    -------
    dict of str to bytes or pathlib.Path
        Files by their path in the site (``"index.html"``), or what is in them.

    Raises
    ------
    UnknownNameError
        If there is no such model.
    DataError
        If the song is no file.
    ExportError
        If the page cannot use a model.
    PullError
        If LiteRT.js cannot be downloaded.
    """
    if song is not None and not song.is_file():
        raise DataError(f"{song} is no file; the page opens a sound file, such as song.mp3")
    files: dict[str, bytes | Path] = {**_page(), **_runtime()}
    from mirzoo.runtimes import tflite_file

    listed: list[dict[str, object]] = []
    known: dict[tuple[str, bool], str] = {}
    for model in models:
        path, card = model_file(model), hub.card(model)
        use = (card.task, card.live)
        if use in known:
            raise ExportError(
                f"{known[use]} and {card.name} are both for {card.task}; the page has one model of "
                "each task, and one more that is made for live sound"
            )
        known[use] = card.name
        name = f"{card.name}.tflite"
        contract = json.loads(tflite_file.read_card(path).contract.to_json())
        listed.append({"file": name, "live": card.live, "contract": contract})
        files[f"models/{name}"] = path
    opened = None
    if song is not None:
        address = f"song/{song.name}"
        files[address] = song
        opened = {"url": quote(os.fsencode(address)), "name": song.name}
    stated = {"models": listed, "jams_version": version("jams"), "song": opened}
    files["models/models.json"] = json.dumps(stated, indent=1).encode("utf-8")
    return files


def write_site(
    folder: Path, models: Iterable[str] = MODELS, *, song: Path | None = None, overwrite: bool
) -> Path:
    """Write `site` into a folder, for any static host.

    Parameters
    ----------
    folder : path
        A new or an empty one, unless ``overwrite``.
    models, song
        As in `site`.
    overwrite : bool
        Whether files that are there already are replaced.

    Returns
    -------
    pathlib.Path
        The folder.

    Raises
    ------
    ExportError
        If the folder is not empty, or cannot be written.
    """
    require_switches(ExportError, overwrite=overwrite)
    if folder.exists() and not folder.is_dir():
        raise ExportError(f"{folder} is a file; a page is written into a folder")
    if folder.exists() and any(folder.iterdir()) and not overwrite:
        raise ExportError(f"{folder} is not empty; overwrite=True (--overwrite) writes into it")
    files = site(models, song=song)
    try:
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with unfinished(path) as new:
                new.write_bytes(content if isinstance(content, bytes) else content.read_bytes())
    except OSError as error:
        raise ExportError(f"{folder} cannot be written ({error.strerror})") from error
    return folder


def model_file(name: str) -> Path:
    """Give a model as the page takes it: a ``.tflite`` file that decides frames itself.

    A model without frames in time has nothing to decide that depends on order: its own file gives
    all its probabilities. Of others the decisions are exported, once, into the cache.

    Raises
    ------
    UnknownNameError
        If there is no such model.
    ExportError
        If its task's decoder is not written as a graph.
    """
    card, folder = hub.card(name), hub.folder(name)
    task = TASKS[card.task]
    if task.decisions is None:
        raise ExportError(
            f"{card.name} cannot run in the page: {task.without_decisions}; models of tags, "
            "chords and melodies can"
        )
    if not task.framewise:
        return folder / LITERT_FILE
    path = cache_home() / "browser" / f"{card.name}-{sha256(folder / KERAS_FILE)[:16]}.tflite"
    if not path.is_file():
        with locked(path.with_name(f".{path.name}.lock")):
            if not path.is_file():  # exported by another process meanwhile
                from mirzoo.export import export

                export(hub.load(name), path, decode=True)
    return path


def _page() -> dict[str, bytes | Path]:
    folder = Path(__file__).parents[1] / "web"
    if not folder.is_dir():  # in a checkout
        folder = Path(__file__).parents[2] / "examples" / "web"
    pages = [folder / "index.html", *sorted((folder / "page").iterdir())]
    return {path.relative_to(folder).as_posix(): path for path in pages if path.is_file()}


def _runtime() -> dict[str, bytes | Path]:
    """LiteRT.js, as ``examples/web/runtime.mjs`` lays it out of what npm has installed."""
    core = {"package/dist/index.js": "litert.js"}
    for variant in VARIANTS:
        for suffix in ("js", "wasm"):
            name = f"wasm/litert_wasm{variant}_internal.{suffix}"
            core[f"package/{name}"] = name
    files = {
        **_unpacked(fetch(CORE), core),
        **_unpacked(fetch(UTILITIES), {"package/dist/index.js": "wasm-utils.js"}),
    }
    # A worker has no import maps, so the one import of a package by its name becomes a path.
    script = files["litert.js"].replace(f'"{UTILITIES.name}"'.encode(), b'"./wasm-utils.js"')
    return {f"runtime/{name}": content for name, content in {**files, "litert.js": script}.items()}


def _unpacked(archive: Path, members: Mapping[str, str]) -> dict[str, bytes]:
    """The contents of some files of an archive, by the names that they are to have."""
    found = {}
    try:
        with tarfile.open(archive, "r:gz") as packed:
            for member in packed:
                file = packed.extractfile(member) if member.name in members else None
                if file is not None:
                    found[members[member.name]] = file.read()
    except (tarfile.TarError, OSError) as error:
        raise PullError(f"{archive} cannot be unpacked: {error}") from error
    missing = sorted(set(members.values()) - set(found))
    if missing:
        raise PullError(f"{archive.name} holds no {', '.join(missing)}")
    return found


def server(files: Site, port: int = 0) -> ThreadingHTTPServer:
    """Make a server of a site that only this machine reaches.

    Parameters
    ----------
    files : mapping of str to bytes or path
        As `site` gives them.
    port : int
        By default any that is free.

    Returns
    -------
    http.server.ThreadingHTTPServer
        Call ``serve_forever``; ``server_address`` tells its port.

    Raises
    ------
    OSError
        If the port is taken.
    """
    return ThreadingHTTPServer((HOST, port), partial(_Handler, files))


class _Handler(BaseHTTPRequestHandler):
    """Answers with files of the site, and with nothing else."""

    protocol_version = "HTTP/1.1"

    def __init__(self, files: Site, *arguments: object) -> None:
        self._files = files
        super().__init__(*arguments)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        # A page that is closed or loaded again takes no more.
        with contextlib.suppress(ConnectionError):
            self._answer(lambda block: self.wfile.write(block))

    def do_HEAD(self) -> None:
        self._answer(None)

    def _answer(self, write: Callable[[bytes], object] | None) -> None:
        # Another site's name that leads to this machine is not this site.
        try:
            host = urlsplit(f"//{self.headers.get('Host', '')}").hostname
            path = urlsplit(self.path).path
        except ValueError:  # such as brackets that are not closed
            self.send_error(HTTPStatus.BAD_REQUEST)
            return
        # Names of files may be no UTF-8.
        name = unquote(path, errors="surrogateescape").removeprefix("/") or "index.html"
        content = self._files.get(name)
        if host not in (HOST, "localhost") or content is None:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        try:
            body = content if isinstance(content, bytes) else content.read_bytes()
        except OSError:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", _TYPES.get(Path(name).suffix) or _guessed(name))
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-cache")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        if write is not None:
            write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Print nothing: requests are the page's own."""


_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".wasm": "application/wasm",
}
"""Not left to the system's own table, which on some machines calls scripts plain text."""


def _guessed(name: str) -> str:
    return mimetypes.guess_type(name)[0] or "application/octet-stream"
