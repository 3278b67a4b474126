"""The catalogue: every collection says what it is, whose it is and what is held out."""

import io
import os
import shutil
import subprocess
import tarfile
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mirzoo.data import sources
from mirzoo.data.corpus import SPLITS
from mirzoo.errors import DataError, UnknownNameError

HELD_OUT = {"emotify", "guitar_leads", "instruments", "isolated_chords", "jamendolyrics",
            "ultrastar", "ultrastar_melody"}


def touch(*parts):
    path = Path(*parts)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def record(path, artist):
    with soundfile.SoundFile(path, "w", 16000, 1) as recording:
        recording.artist = artist
        recording.write(np.zeros(1600))


@pytest.fixture
def home(tmp_path):
    """Empty files in the layout of every collection."""
    src = tmp_path / "src"
    for package in sources.DEBIAN_PACKAGES:
        touch(src, "debian", package, "usr/share/games/x/music/1.ogg")
        touch(src, "debian", package, "usr/share/games/x/sounds/bang.ogg")
        touch(src, "debian", package, "usr/share/doc", package, "copyright")
    touch(src, "esc10", "001 - Dog bark", "1-1-A.ogg")
    for genre in ("pop", "rock"):
        folder = src / "emotify" / "data" / "emotifymusic" / genre
        folder.mkdir(parents=True)
        record(folder / "1.mp3", f"{genre} singer")
    touch(src, "jamendolyrics", "mp3/song_-_artist.mp3")
    touch(src, "ultrastar", "Artist - Title", "audio.mp3")
    touch(src, "ultrastar", "Artist - Title", "instrumental.mp3")
    (src / "ultrastar" / "Artist - Title" / "song.txt").write_text("#MP3:audio.mp3\n")
    touch(src, "guitar_leads", "songs", "sectoid", "Feelings", "guitar.ogg")
    touch(src, "guitar_leads", "songs", "sectoid", "Feelings", "song.ogg")
    touch(src, "guitar_leads", "songs", "sectoid", "Unplugged", "song.ogg")
    touch(src, "instruments", "Cello", "1.flac")
    touch(src, "isolated_chords", "guitar_1.flac")
    (src / "isolated_chords" / "labels.csv").write_text(
        "file,label,source\nguitar_1.flac,A:maj,guitar\n")
    for singer in ("amy", "bug"):
        touch(src, "mir1k", "vocal", f"{singer}_1_01.ogg")
        touch(src, "mir1k_remixed", "vocal", f"{singer}_1_01.ogg")
    (src / "charts_mma").mkdir()
    touch(src, "philharmonia", "audio", "flute", "flute_A4_1_forte_normal.mp3")
    for number in range(20):
        touch(src, "pop909", f"POP909/{number:03d}/{number:03d}.mid")
        touch(src, "pop909", f"POP909/{number:03d}/versions/v.mid")
        touch(src, "openewld", f"dataset/Composer/{number}/{number}.mxl")
    return tmp_path


@pytest.mark.parametrize("name", sources.list_collections())
def test_every_collection_is_described_and_divided_by_group(home, name):
    chosen = sources.collection(name)
    assert chosen.name == name
    for text in (chosen.description, chosen.obtain, chosen.licence, chosen.grouping):
        assert len(text) >= 4
    items = chosen.items(home / "src" / (chosen.source or name))
    assert items
    assert {item.collection for item in items} == {name}
    assert len({item.name for item in items}) == len(items)
    splits = {}
    for item in items:
        assert item.split in SPLITS
        assert Path(item.path).exists()
        splits.setdefault(item.group, set()).add(item.split)
    assert all(len(of_group) == 1 for of_group in splits.values())
    found = {item.split for item in items}
    assert found == {"test"} if name in HELD_OUT else "train" in found


def test_whole_packages_are_held_out_and_sound_effects_left_out(home):
    items = sources.debian_items(home / "src" / "debian")
    assert len(items) == len(sources.DEBIAN_PACKAGES)
    split = {item.group: item.split for item in items}
    assert {group for group in split if split[group] == "test"} == sources.DEBIAN_TEST
    assert {group for group in split if split[group] == "valid"} == sources.DEBIAN_VALID
    assert sources.DEBIAN_TEST.issubset(sources.DEBIAN_PACKAGES)
    assert sources.DEBIAN_VALID.issubset(sources.DEBIAN_PACKAGES)


def test_recordings_of_an_artist_are_in_one_split_and_mixes_of_many_in_none(tmp_path):
    folder = tmp_path / "data" / "emotifymusic" / "rock"
    folder.mkdir(parents=True)
    artists = [f"artist {number:02d}" for number in range(20)]
    for number, artist in enumerate([*artists, *artists, "DJ Cary"]):
        record(folder / f"{number}.mp3", artist)
    items = sources.collection("magnatune").items(tmp_path)
    assert len(items) == 40
    splits = {artist: {item.split for item in items if item.group == artist} for artist in artists}
    assert {artist for artist in artists if splits[artist] == {"test"}} == {
        "artist 04", "artist 09", "artist 14", "artist 19"}
    assert {artist for artist in artists if splits[artist] == {"valid"}} == {
        "artist 07", "artist 17"}


def test_a_recording_that_names_no_artist_is_in_no_split(tmp_path):
    folder = tmp_path / "data" / "emotifymusic" / "rock"
    folder.mkdir(parents=True)
    record(folder / "1.mp3", " ")
    with pytest.raises(DataError, match=r"1\.mp3' names no artist"):
        sources.collection("magnatune").items(tmp_path)
    (folder / "1.mp3").write_bytes(b"no sound")
    with pytest.raises(DataError, match=r"cannot read '.*1\.mp3'"):
        sources.collection("magnatune").items(tmp_path)


def test_each_voice_is_mixed_twice_and_split_by_singer(home):
    items = sources.collection("mir1k").items(home / "src" / "mir1k")
    assert {(item.name, item.group, item.split) for item in items} == {
        ("own/amy_1_01", "amy", "train"), ("other/amy_1_01", "amy", "train"),
        ("own/bug_1_01", "bug", "valid"), ("other/bug_1_01", "bug", "valid"),
    }  # fmt: skip


def test_songs_are_split_alike_wherever_they_are_sung(home):
    songs = sources.collection("songs_pop909").items(home / "src" / "pop909")
    split = {item.path: item.split for item in songs}
    assert [item.split for item in songs][:12] == ["train"] * 5 + ["valid"] + ["train"] * 5 + [
        "test"]
    for singer in sources.MIR1K_TEST_SINGERS:
        touch(home / "src", "mir1k", "vocal", f"{singer}_1_01.ogg")
    sung = sources.collection("sung_synth").items(home / "src" / "mir1k")
    assert {item.split for item in sung} == set(SPLITS)
    assert all(split[item.path] == item.split for item in sung)


def test_held_out_singers_are_also_mixed_at_equal_level(home):
    for singer in sources.MIR1K_TEST_SINGERS:
        touch(home / "src", "mir1k", "vocal", f"{singer}_1_01.ogg")
    items = sources.collection("sung_own").items(home / "src" / "mir1k")
    level = {item.group: item.split for item in items if item.name.startswith("level/")}
    assert level == {"bug": "valid", **dict.fromkeys(sources.MIR1K_TEST_SINGERS, "test")}
    own = {item.group for item in items if item.name.startswith("own/")}
    assert own == {"amy", *level}


@pytest.mark.parametrize(
    ("name", "more", "source"),
    [("songs_pop909", "songs_pop909_more", "pop909"),
     ("songs_openewld", "songs_openewld_more", "openewld"),
     ("songs_openewld", "songs_recorded", "openewld")],
)  # fmt: skip
def test_further_renditions_are_of_songs_to_train_on(home, name, more, source):
    folder = home / "src" / source
    split = {item.path: item.split for item in sources.collection(name).items(folder)}
    more = sources.collection(more).items(folder)
    assert {item.path for item in more} == {path for path in split if split[path] == "train"}
    assert {item.split for item in more} == {"train"}


def test_further_renditions_take_the_songs_that_were_left_out(home):
    items = sources._song_items("some", "*.mxl", 12)(home / "src" / "openewld")
    split = {item.path: item.split for item in items}
    more = sources._more_song_items("more", "*.mxl", beside=12)(home / "src" / "openewld")
    assert len(split) == 12
    assert Counter(item.path for item in more) == {
        path: 1
        for path in map(os.fspath, (home / "src" / "openewld").rglob("*.mxl"))
        if split.get(path, "train") == "train"
    }


def test_bands_play_every_held_out_song_and_half_of_the_others(home):
    folder = home / "src" / "pop909"
    split = {item.path: item.split for item in sources.collection("songs_pop909").items(folder)}
    played = sources.collection("guitar_bands").items(folder)
    assert all(item.split == split[item.path] for item in played)
    counted, whole = (Counter(splits) for splits in
                      ([item.split for item in played], split.values()))
    assert counted["valid"] == whole["valid"] > 0 and counted["test"] == whole["test"] > 0
    assert counted["train"] == -(-whole["train"] // 2)


@pytest.mark.parametrize("name", ["sung_more", "sung_disguised"])
def test_more_is_sung_by_singers_to_train_on_alone(home, name):
    for singer in sources.MIR1K_TEST_SINGERS:
        touch(home / "src", "mir1k", "vocal", f"{singer}_1_01.ogg")
    items = sources.collection(name).items(home / "src" / "mir1k")
    assert {(item.name, item.group) for item in items} == {
        ("first/amy_1_01", "amy"), ("second/amy_1_01", "amy")}


def test_a_collection_is_prepared_from_its_folder(tmp_path):
    song = tmp_path / "src" / "ultrastar" / "Artist - Title" / "audio.wav"
    song.parent.mkdir(parents=True)
    soundfile.write(song, np.full(8000 * 21, 0.25), 8000)
    song.with_name("song.txt").write_text("#MP3:audio.mp3\n")
    corpus = sources.prepare("ultrastar", home=tmp_path, processes=1, report=str)
    assert corpus.directory == tmp_path / "corpus" / "ultrastar"
    assert corpus.items[0].group == "Artist"
    assert corpus.items[0].n_samples == 16000 * 21


def test_instrumental_versions_of_songs_are_left_out(home):
    (item,) = sources.collection("ultrastar").items(home / "src" / "ultrastar")
    assert Path(item.path).name == "audio.mp3"


def test_the_home_comes_from_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("MIRZOO_DATA", str(tmp_path))
    assert sources.data_home() == tmp_path
    monkeypatch.delenv("MIRZOO_DATA")
    assert sources.data_home() == Path.home() / ".cache" / "mirzoo" / "data"


def test_a_missing_collection_says_how_to_get_it(tmp_path):
    with pytest.raises(DataError, match="vocal/"):
        sources.prepare("mir1k", home=tmp_path, report=str)
    with pytest.raises(UnknownNameError, match="emotify"):
        sources.prepare("emotiffy", home=tmp_path, report=str)
    with pytest.raises(DataError, match="obtain the collection first"):
        sources.audio_files(tmp_path / "missing")


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
    members = (("debian-binary", b"2.0\n"), ("control.tar.gz", control.getvalue()),
               ("data.tar.gz", data.getvalue()))
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
    archive = debian_archive(tmp_path, {
        "usr/share/games/x/music/1.ogg": b"one",
        "usr/share/games/x/data.pk3": pk3.getvalue(),
        "usr/share/games/x/x.exe": b"no music",
        "usr/share/doc/x/copyright": b"CC0",
    })
    folder = tmp_path / "out" / "x"
    sources.unpack_debian(archive, folder)
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
        sources.fetch_debian("no-such-package", tmp_path / "debian" / "no-such-package")
    assert os.listdir(tmp_path / "debian") == []
    monkeypatch.setattr(shutil, "which", lambda program: None)
    with pytest.raises(DataError, match="apt-get is not installed"):
        sources.fetch_debian("no-such-package", tmp_path / "debian" / "no-such-package")


def test_what_is_there_is_not_fetched_again(tmp_path, monkeypatch):
    monkeypatch.setattr(subprocess, "run", lambda *args, **options: pytest.fail("fetched again"))
    sources.fetch_debian("anything", tmp_path)
