"""Debian's packages of music: unpacked whole or not at all, and fetched once."""

import io
import os
import shutil
import subprocess
import tarfile
import zipfile

import numpy as np
import pytest
import soundfile

from mirzoo.data.corpus import Item
from mirzoo.errors import DataError
from mirzoo.studio import debian


def debian_archive(folder, files):
    """A ``.deb`` of the given files, made without dpkg."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(f"./{name}")
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    control = io.BytesIO()
    with tarfile.open(fileobj=control, mode="w:gz") as tar:
        entry = tarfile.TarInfo("./control")
        text = b"Package: x\nVersion: 1\nArchitecture: all\nMaintainer: x\nDescription: x\n"
        entry.size = len(text)
        tar.addfile(entry, io.BytesIO(text))
    members = (
        ("debian-binary", b"2.0\n"),
        ("control.tar.gz", control.getvalue()),
        ("data.tar.gz", data.getvalue()),
    )
    archive = folder / "x_1_all.deb"
    with archive.open("wb") as file:
        file.write(b"!<arch>\n")
        for name, content in members:
            file.write(f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n".encode())
            file.write(content + b"\n" * (len(content) % 2))
    return archive


@pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="dpkg-deb is not installed")
def test_a_package_is_unpacked_with_the_archives_inside_it(tmp_path):
    pk3 = io.BytesIO()
    with zipfile.ZipFile(pk3, "w") as archive:
        archive.writestr("music/2.ogg", b"two")
        archive.writestr("maps/1.map", b"no music")
    archive = debian_archive(
        tmp_path,
        {
            "usr/share/games/x/music/1.ogg": b"one",
            "usr/share/games/x/data.pk3": pk3.getvalue(),
            "usr/share/games/x/x.exe": b"no music",
            "usr/share/doc/x/copyright": b"CC0",
        },
    )
    folder = tmp_path / "out" / "x"
    debian.unpack(archive, folder)
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert files == {
        "usr/share/games/x/music/1.ogg", "usr/share/games/x/data/music/2.ogg",
        "usr/share/doc/x/copyright",
    }  # fmt: skip
    assert os.listdir(tmp_path / "out") == ["x"]


def test_a_package_that_cannot_be_had_leaves_nothing_behind(tmp_path, monkeypatch):
    def fail(command, **options):
        return subprocess.CompletedProcess(command, 100, "", "E: Unable to locate package")

    monkeypatch.setattr(shutil, "which", lambda program: f"/usr/bin/{program}")
    monkeypatch.setattr(subprocess, "run", fail)
    with pytest.raises(DataError, match="Unable to locate package"):
        debian.fetch_package("no-such-package", tmp_path / "debian" / "no-such-package")
    assert os.listdir(tmp_path / "debian") == []
    monkeypatch.setattr(shutil, "which", lambda program: None)
    with pytest.raises(DataError, match="apt-get is not installed"):
        debian.fetch_package("no-such-package", tmp_path / "debian" / "no-such-package")


def test_what_is_there_is_not_fetched_again(tmp_path, monkeypatch):
    monkeypatch.setattr(subprocess, "run", lambda *args, **options: pytest.fail("fetched again"))
    debian.fetch_package("anything", tmp_path)


def test_a_package_that_is_missing_is_not_passed_over(tmp_path):
    for package in debian.PACKAGES[1:]:
        (tmp_path / package).mkdir()
    with pytest.raises(DataError, match=f"{debian.PACKAGES[0]}' is not a folder"):
        debian.music_items(tmp_path)


def test_a_minute_is_that_after_the_introduction(tmp_path):
    for seconds, first, length in ((100, 30, 60), (70, 10, 60), (25, 0, 25)):
        ramp = np.repeat(np.arange(seconds) / 200, 16000)
        soundfile.write(tmp_path / "song.wav", ramp, 16000)
        item = Item("song", "debian_minutes", "game", str(tmp_path / "song.wav"), "train")
        minute = debian.read_minute(item)
        assert len(minute) == length * 16000
        assert np.abs(minute - ramp[first * 16000 :][: len(minute)]).max() < 1e-4
