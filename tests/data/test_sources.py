"""The catalogue: every collection says what it is, whose it is and what is held out."""

import hashlib
import os
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mirzoo.data import sources
from mirzoo.data.corpus import SPLITS, Item
from mirzoo.errors import DataError, UnknownNameError
from mirzoo.studio import _items, debian, mir1k

HELD_OUT = {
    "emotify_keys",
    "emotify",
    "guitar_leads",
    "instruments",
    "isolated_chords",
    "jamendolyrics",
    "ultrastar",
    "ultrastar_melody",
}


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
    for package in debian.PACKAGES:
        touch(src, "debian", package, "usr/share/games/x/music/1.ogg")
        touch(src, "debian", package, "usr/share/games/x/sounds/bang.ogg")
        touch(src, "debian", package, "usr/share/doc", package, "copyright")
    touch(src, "esc10", "001 - Dog bark", "1-1-A.ogg")
    artists = {
        "pop": "pop singer", "rock": "rock singer", "electronic": "a", "blues": "b",
        "classical": "violinist",  # the fifth, whose recordings are for testing
    }  # fmt: skip
    for genre, artist in artists.items():
        folder = src / "emotify" / "data" / "emotifymusic" / genre
        folder.mkdir(parents=True)
        record(folder / "1.mp3", artist)
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
        "file,label,source\nguitar_1.flac,A:maj,guitar\n"
    )
    for singer in ("amy", "bug"):
        touch(src, "mir1k", "vocal", f"{singer}_1_01.ogg")
        touch(src, "mir1k_remixed", "vocal", f"{singer}_1_01.ogg")
    (src / "charts_mma").mkdir()
    (src / "charts_keys").mkdir()
    (src / "song_forms").mkdir()
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
    items = debian.music_items(home / "src" / "debian")
    assert len(items) == len(debian.PACKAGES)
    split = {item.group: item.split for item in items}
    assert {group for group in split if split[group] == "test"} == debian.TEST_PACKAGES
    assert {group for group in split if split[group] == "valid"} == debian.VALID_PACKAGES
    assert debian.TEST_PACKAGES.issubset(debian.PACKAGES)
    assert debian.VALID_PACKAGES.issubset(debian.PACKAGES)


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
        "artist 04",
        "artist 09",
        "artist 14",
        "artist 19",
    }
    assert {artist for artist in artists if splits[artist] == {"valid"}} == {
        "artist 07",
        "artist 17",
    }


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
        "test"
    ]
    for singer in mir1k.TEST_SINGERS:
        touch(home / "src", "mir1k", "vocal", f"{singer}_1_01.ogg")
    sung = sources.collection("sung_synth").items(home / "src" / "mir1k")
    assert {item.split for item in sung} == set(SPLITS)
    assert all(split[item.path] == item.split for item in sung)


def test_held_out_singers_are_also_mixed_at_equal_level(home):
    for singer in mir1k.TEST_SINGERS:
        touch(home / "src", "mir1k", "vocal", f"{singer}_1_01.ogg")
    items = sources.collection("sung_own").items(home / "src" / "mir1k")
    level = {item.group: item.split for item in items if item.name.startswith("level/")}
    assert level == {"bug": "valid", **dict.fromkeys(mir1k.TEST_SINGERS, "test")}
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
    items = _items.song_items("some", "*.mxl", 12)(home / "src" / "openewld")
    split = {item.path: item.split for item in items}
    more = _items.more_song_items("more", "*.mxl", others=12)(home / "src" / "openewld")
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
    counted, whole = (
        Counter(splits) for splits in ([item.split for item in played], split.values())
    )
    assert counted["valid"] == whole["valid"] > 0 and counted["test"] == whole["test"] > 0
    assert counted["train"] == -(-whole["train"] // 2)


@pytest.mark.parametrize("name", ["sung_more", "sung_disguised"])
def test_more_is_sung_by_singers_to_train_on_alone(home, name):
    for singer in mir1k.TEST_SINGERS:
        touch(home / "src", "mir1k", "vocal", f"{singer}_1_01.ogg")
    items = sources.collection(name).items(home / "src" / "mir1k")
    assert {(item.name, item.group) for item in items} == {
        ("first/amy_1_01", "amy"),
        ("second/amy_1_01", "amy"),
    }


def test_a_collection_is_prepared_from_its_folder(tmp_path):
    song = tmp_path / "src" / "ultrastar" / "Artist - Title" / "audio.wav"
    song.parent.mkdir(parents=True)
    soundfile.write(song, np.full(8000 * 21, 0.25), 8000)
    song.with_name("song.txt").write_text("#MP3:audio.mp3\n")
    corpus = sources.prepare("ultrastar", home=tmp_path, processes=1)
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
        sources.prepare("mir1k", home=tmp_path)
    with pytest.raises(UnknownNameError, match="emotify"):
        sources.prepare("emotiffy", home=tmp_path)
    with pytest.raises(DataError, match="obtain the collection first"):
        sources.collection("instruments").items(tmp_path / "missing")


def test_names_come_in_an_order_in_which_they_can_be_prepared():
    names = sources.list_collections()
    assert sorted(names) == sorted(sources.COLLECTIONS)
    for place, name in enumerate(names):
        assert set(sources.collection(name).corpora) <= set(names[:place])


def test_collections_are_registered_by_the_modules_of_the_studio():
    from mirzoo import studio

    homes = {sources.collection(name).items.__module__ for name in sources.list_collections()}
    assert all(home.startswith(f"{studio.__name__}.") for home in homes)


def test_a_collection_of_your_own_is_prepared_like_the_others(tmp_path):
    (tmp_path / "src" / "mine").mkdir(parents=True)
    soundfile.write(tmp_path / "src" / "mine" / "a.wav", np.full(16000, 0.25), 16000)
    items = [Item("a", "mine", "a", str(tmp_path / "src" / "mine" / "a.wav"), "train")]
    mine = sources.Collection(
        name="mine", description="mine", obtain="Record it.", licence="mine", grouping="none",
        items=lambda folder: items, min_seconds=0.0, checksum=sources.checksum_of(items),
    )  # fmt: skip
    sources.COLLECTIONS.register(mine)
    try:
        assert sources.prepare("mine", home=tmp_path, processes=1).items[0].n_samples == 16000
        assert "mine" in sources.list_collections()
    finally:
        del sources.COLLECTIONS._things["mine"]


def test_files_that_are_not_those_of_the_checksum_are_warned_of(tmp_path):
    song = tmp_path / "src" / "pop909" / "001" / "001.mid"
    touch(song)
    items = sources.collection("pop909").items(tmp_path / "src" / "pop909")
    digest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    line = f"{digest}  001.mid\n".encode()
    assert sources.checksum_of(items) == hashlib.sha256(line).hexdigest()
    moved = [replace(item, path=str(song.parent)) for item in items]
    song.rename(song.with_name("001.wav"))
    line = f"{digest}  001.wav\n".encode()
    assert sources.checksum_of(moved) == hashlib.sha256(line).hexdigest()
    song.with_name("001.wav").rename(song)
    with (
        pytest.warns(sources.OtherFiles, match="'pop909'"),
        pytest.raises(DataError, match="of 1 item for .* none could be used"),
    ):
        sources.prepare("pop909", home=tmp_path, processes=1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"packages": ("no_such_package",)}, r"packages no_such_package.*mirzoo\[studio\]"),
        ({"programs": ("no_such_program",)}, "programs no_such_program.*Debian packages"),
        ({"corpora": ("debian",)}, "run mirzoo prepare debian first"),
    ],
)
def test_what_a_collection_lacks_is_named_before_anything_is_made(
    tmp_path, monkeypatch, changes, message
):
    touch(tmp_path, "src", "esc10", "001 - Dog bark", "1-1-A.ogg")
    lacking = replace(sources.collection("esc10"), **changes)
    monkeypatch.setitem(sources.COLLECTIONS._things, "esc10", lacking)
    with pytest.raises(DataError, match=message):
        sources.prepare("esc10", home=tmp_path, processes=1)
