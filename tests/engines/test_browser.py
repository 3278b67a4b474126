"""The page that runs models in the browser, put together and served; without a browser."""

import hashlib
import io
import json
import os
import socket
import struct
import sys
import tarfile
import threading
import urllib.error
import urllib.request
from types import SimpleNamespace

import pytest

from mirzoo import hub
from mirzoo.engines import browser
from mirzoo.errors import DataError, ExportError, PullError, UnknownNameError
from mirzoo.hub import shipped_folder

VARIANTS = ["litert_wasm_internal", "litert_wasm_compat_internal"]
CORE = ["dist/index.js", *(f"wasm/{name}.{kind}" for name in VARIANTS for kind in ("js", "wasm"))]


def packed(folder, package, members):
    """An archive as npm packs it."""
    path = folder / package.archive
    with tarfile.open(path, "w:gz") as archive:
        for name in (*members, "README.md"):
            content = b'import { x } from "@litertjs/wasm-utils"; // ' + name.encode()
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return path


@pytest.fixture
def npm(tmp_path, monkeypatch):
    """Packages of npm that need no network."""
    archives = {
        browser.CORE: packed(tmp_path, browser.CORE, CORE),
        browser.UTILITIES: packed(tmp_path, browser.UTILITIES, ["dist/index.js"]),
    }
    monkeypatch.setattr(browser, "fetch", archives.__getitem__)
    return archives


def answer(server, path, host=None):
    address = f"http://{browser.HOST}:{server.server_address[1]}/{path}"
    request = urllib.request.Request(address, headers={"Host": host} if host else {})
    with urllib.request.urlopen(request, timeout=10) as response:
        return response.headers, response.read()


@pytest.fixture
def served(npm, demo_clip):
    with browser.server(browser.site(["raw_cnn_tagger"], song=demo_clip)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_site_has_all_that_the_page_asks_for(npm, demo_clip, tmp_path):
    folder = browser.write_site(
        tmp_path / "site", ["raw_cnn_tagger"], song=demo_clip, overwrite=False
    )
    stated = json.loads((folder / "models" / "models.json").read_text())
    [listed] = stated["models"]
    assert (listed["file"], listed["live"]) == ("raw_cnn_tagger.tflite", False)
    assert listed["contract"] == json.loads(hub.card("raw_cnn_tagger").contract.to_json())
    assert (folder / stated["song"]["url"]).read_bytes() == demo_clip.read_bytes()
    model = (folder / "models" / listed["file"]).read_bytes()
    assert model == (shipped_folder("raw_cnn_tagger") / "model.tflite").read_bytes()
    assert (folder / "page" / "app.js").is_file()
    script = (folder / "runtime" / "litert.js").read_text()
    assert '"./wasm-utils.js"' in script and "@litertjs" not in script
    assert (folder / "runtime" / "wasm" / "litert_wasm_internal.wasm").is_file()
    with pytest.raises(ExportError, match="not empty"):
        browser.write_site(folder, ["raw_cnn_tagger"], overwrite=False)
    browser.write_site(folder, ["raw_cnn_tagger"], overwrite=True)
    with pytest.raises(ExportError, match="is a file"):
        browser.write_site(folder / "index.html", ["raw_cnn_tagger"], overwrite=True)


def test_files_of_frames_decide_themselves_and_are_exported_once(npm, tmp_path, monkeypatch):
    monkeypatch.setenv("MIRZOO_HOME", str(tmp_path))
    monkeypatch.setattr(browser.hub, "load", lambda name: name)
    exported = []

    def export(model, path, **options):
        exported.append((model, options))
        path.write_bytes(b"decided")

    monkeypatch.setitem(sys.modules, "mirzoo.export", SimpleNamespace(export=export))
    for _ in range(2):
        path = browser.model_file("chroma_rnn_chords")
        assert path.read_bytes() == b"decided" and path.is_relative_to(tmp_path)
    assert exported == [("chroma_rnn_chords", {"decode": True})]


def test_what_the_page_cannot_use_is_refused(npm, tmp_path):
    with pytest.raises(ExportError, match="mel_cnn_tagger and raw_cnn_tagger are both for tagging"):
        browser.site(["mel_cnn_tagger", "raw_cnn_tagger"])
    with pytest.raises(DataError, match=r"nothing\.mp3 is no file"):
        browser.site(["raw_cnn_tagger"], song=tmp_path / "nothing.mp3")
    with pytest.raises(UnknownNameError):
        browser.site(["no_such_tagger"])


def test_an_archive_of_another_layout_is_refused(npm, tmp_path):
    packed(tmp_path, browser.CORE, CORE[:2])
    with pytest.raises(PullError, match="holds no wasm/litert_wasm_compat"):
        browser.site(["raw_cnn_tagger"])
    npm[browser.UTILITIES].write_bytes(b"no archive")
    packed(tmp_path, browser.CORE, CORE)
    with pytest.raises(PullError, match="cannot be unpacked"):
        browser.site(["raw_cnn_tagger"])


def test_the_server_gives_the_site_and_nothing_else(served, demo_clip):
    headers, page = answer(served, "")
    assert headers["Content-Type"] == "text/html; charset=utf-8" and b"<title>mirzoo" in page
    assert "default-src 'self'" in page.decode()
    assert (
        answer(served, "runtime/wasm/litert_wasm_internal.wasm")[0]["Content-Type"]
        == "application/wasm"
    )
    assert answer(served, "page/app.js?x=1")[0]["Content-Type"].startswith("text/javascript")
    sound = answer(served, f"song/{demo_clip.name}")[1]
    assert hashlib.sha256(sound).digest() == hashlib.sha256(demo_clip.read_bytes()).digest()
    for path in (
        "pyproject.toml",
        "../pyproject.toml",
        "page/../../README.md",
        "page/",
        "%2e%2e/x",
    ):
        with pytest.raises(urllib.error.HTTPError, match="404"):
            answer(served, path)
    with pytest.raises(urllib.error.HTTPError, match="404"):
        answer(served, "", host="example.org")
    assert answer(served, "", host="localhost:80")[1] == page


@pytest.mark.parametrize("name", ['a #1 %41?&<b>"é\\ .ogg', os.fsdecode(b"caf\xe9.ogg")])
def test_songs_of_any_name_are_served(npm, demo_clip, tmp_path, name):
    song = tmp_path / name
    try:
        song.write_bytes(demo_clip.read_bytes())
    except OSError as error:
        pytest.skip(f"there can be no such file here: {error}")
    site = browser.site(["raw_cnn_tagger"], song=song)
    opened = json.loads(site["models/models.json"])["song"]
    assert opened["name"] == name
    with browser.server(site) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        assert answer(server, opened["url"])[1] == demo_clip.read_bytes()
        server.shutdown()
        thread.join()


def test_requests_that_make_no_sense_are_answered_quietly(served, capfd):
    for request in (
        b"GET / HTTP/1.1\r\nHost: [\r\n\r\n",
        b"GET http://[ HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ):
        with socket.create_connection(served.server_address) as client:
            client.sendall(request)
            assert b"400" in client.recv(4096).partition(b"\n")[0]
    with socket.create_connection(served.server_address) as client:  # gone before the answer
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.sendall(b"GET /page/app.js HTTP/1.1\r\nHost: localhost\r\n\r\n" * 50)
    assert answer(served, "")[1]
    assert capfd.readouterr().err == ""
