"""The catalogue of collections that models learn from and are measured on.

Each `Collection` states what it is, how to obtain it, its licence, what its groups are and which
of them are held out. Sources lie in ``<home>/src/<collection>`` and prepared corpora in
``<home>/corpus/<collection>``, where ``<home>`` is the environment variable ``MIRZOO_DATA`` or
``~/.cache/mirzoo/data``. Nothing of them is part of mirzoo: each keeps its own licence.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from mirzoo.data import corpus
from mirzoo.data.corpus import Corpus, Item, Made
from mirzoo.errors import DataError, UnknownNameError
from mirzoo.studio import (
    annotated,
    charts,
    debian,
    guitar_bands,
    guitar_leads,
    mixes,
    plucked,
    render,
    renditions,
    splits,
    voices,
)


def data_home() -> Path:
    """The folder that holds ``src/`` and ``corpus/``: ``MIRZOO_DATA``, or one in ``~/.cache``."""
    return Path(os.environ.get("MIRZOO_DATA", "~/.cache/mirzoo/data")).expanduser()


@dataclass(frozen=True)
class Collection:
    """Music to learn from or to be measured on.

    Parameters
    ----------
    name : str
        Also the folder's name under ``src/`` and ``corpus/``.
    description, obtain, licence, grouping : str
        What it is, how to get it into ``<home>/src/<name>``, whose it is and what a group is.
    items : callable
        The folder → its items with their groups and splits.
    maker : callable
        ``<home>`` → the function that gives an item's waveform, or that and its labels.
    min_seconds : float
        Items shorter than this (s) are left out.
    fetch : callable, optional
        Brings the collection into the folder by itself; without it a person must.
    source : str, optional
        The folder under ``src/`` where another one than its own is used.
    rendered : bool
        Whether its audio is synthesised from symbols rather than recorded.
    unjudged : tuple of str
        Scores that its labels cannot judge.
    """

    name: str
    description: str
    obtain: str
    licence: str
    grouping: str
    items: Callable[[Path], list[Item]]
    maker: Callable[[Path], Callable[[Item], Made]] = lambda home: corpus.read_recording
    min_seconds: float = 20.0
    fetch: Callable[[Path], None] | None = None
    source: str | None = None
    rendered: bool = False
    unjudged: tuple[str, ...] = ()


def list_collections() -> list[str]:
    """The names of all collections, in the order in which they can be prepared."""
    return list(COLLECTIONS)


def collection(name: str) -> Collection:
    """The collection called ``name``; raises UnknownNameError with what there is."""
    if name not in COLLECTIONS:
        raise UnknownNameError(
            f"there is no collection '{name}'; there are: {', '.join(COLLECTIONS)}"
        )
    return COLLECTIONS[name]


def prepare(
    name: str,
    *,
    home: Path | None = None,
    processes: int = 2,
    report: Callable[[str], None] = print,
) -> Corpus:
    """Prepare the collection called ``name`` into ``<home>/corpus/<name>``; see `corpus.prepare`.

    Fetches it first where it can be fetched; where it cannot and is absent, raises DataError
    that says how to obtain it.
    """
    chosen = collection(name)
    home = home or data_home()
    folder = home / "src" / (chosen.source or name)
    if chosen.fetch is not None:
        chosen.fetch(folder)
    elif not folder.is_dir():
        raise DataError(f"the collection '{name}' is not in '{folder}'. {chosen.obtain}")
    return corpus.prepare(
        chosen.items(folder),
        home / "corpus" / name,
        make=chosen.maker(home),
        min_seconds=chosen.min_seconds,
        processes=processes,
        report=report,
    )


COLLECTIONS = {
    entry.name: entry
    for entry in (
        Collection(
            name="debian",
            description="about 26 h of game music of many styles, by many people",
            obtain="Fetched with apt-get download from the Debian mirrors of this machine.",
            licence="free licences, one for each package, in its file copyright",
            grouping="package; some packages are held out for validation and for testing",
            items=debian.music_items,
            fetch=debian.fetch_music,
        ),
        Collection(
            name="esc10",
            description="400 sounds that are not music, of ten classes, 5 s each",
            obtain="Check out commit 553c8f1 of the GitHub repository karolpiczak/ESC-10 there.",
            licence="CC BY 3.0",
            grouping="class of sound; all for training",
            items=splits.recordings("esc10", lambda path: path.parent.name, "train"),
            min_seconds=3.1,
        ),
        Collection(
            name="emotify",
            description="Emotify: 400 recordings of Magnatune, mostly 60 s, in four genres",
            obtain="Check out the GitHub repository sergi-andreu/ProjectMusicInformatics there.",
            licence="CC BY-NC-SA (Magnatune)",
            grouping="track; held out, for testing only",
            items=splits.recordings(
                "emotify",
                lambda path: f"{path.parent.name}/{path.stem}",
                "test",
                within="data/emotifymusic",
            ),
        ),
        Collection(
            name="magnatune",
            description="the same recordings, split by artist, to learn from by teachers",
            obtain="Check out the GitHub repository sergi-andreu/ProjectMusicInformatics into "
            "src/emotify.",
            licence="CC BY-NC-SA (Magnatune)",
            grouping="artist; mixes of many artists are left out",
            items=splits.magnatune_items,
            source="emotify",
        ),
        Collection(
            name="jamendolyrics",
            description="sung songs in four languages with the times of their lyrics",
            obtain="Check out the GitHub repository f90/jamendolyrics there.",
            licence="a Creative Commons licence for each song, in JamendoLyrics.csv",
            grouping="song; held out, for testing only",
            items=splits.recordings("jamendolyrics", lambda path: path.stem, "test", within="mp3"),
        ),
        Collection(
            name="ultrastar",
            description="whole sung songs with the times and pitches of their notes",
            obtain="Put one folder for each song there, called 'Artist - Title', with its "
            "UltraStar song.txt and the audio that this names.",
            licence="a Creative Commons licence for each song, in its folder",
            grouping="artist; held out, for testing only",
            items=splits.ultrastar_items,
        ),
        Collection(
            name="ultrastar_melody",
            description="the same songs with their notes as labels: melody",
            obtain="Put the songs into src/ultrastar, a folder each, with song.txt and its audio.",
            licence="a Creative Commons licence for each song, in its folder",
            grouping="artist; held out, for testing only",
            items=lambda folder: [
                replace(item, collection="ultrastar_melody")
                for item in splits.ultrastar_items(folder)
            ],
            maker=lambda home: annotated.read_sung_notes,
            source="ultrastar",
            unjudged=("raw pitch accuracy", "overall accuracy"),
        ),
        Collection(
            name="guitar_leads",
            description="metal songs whose guitar is recorded apart, its leads as labels: melody",
            obtain=f"Fetched with apt-get download of {debian.LEADS_PACKAGE}; needs the extra "
            "'voice'.",
            licence="MIT, Carlos Viola Iborra",
            grouping="artist; never trained on, but among what melodies were validated on",
            items=guitar_leads.lead_items,
            maker=lambda home: guitar_leads.read_lead,
            fetch=lambda folder: debian.fetch_package(debian.LEADS_PACKAGE, folder),
            unjudged=("overall accuracy", "voicing false alarm"),
        ),
        Collection(
            name="isolated_chords",
            description="single chords of a piano and two guitars; labels: chords",
            obtain="Put the recordings there, and labels.csv with the columns file, label, source.",
            licence="none stated",
            grouping="instrument; held out, for testing only",
            items=annotated.isolated_chord_items,
            maker=lambda home: annotated.read_isolated_chord,
            min_seconds=0.0,
        ),
        Collection(
            name="instruments",
            description="isolated notes and phrases, a folder for each instrument",
            obtain="Put a folder for each instrument there, with its recordings.",
            licence="various Creative Commons licences",
            grouping="recording; held out, for testing only",
            items=splits.recordings("instruments", lambda path: path.stem, "test"),
            min_seconds=0.0,
        ),
        Collection(
            name="mir1k",
            description="MIR-1K: 1,000 clips of karaoke by 19 amateurs, mixed over their own "
            "accompaniment and over other music of the prepared corpus 'debian'",
            obtain="Put the data set's solo voices into vocal/ and its accompaniments into "
            "accompaniment/, under the same file names, singer_song_clip.",
            licence="research data without an open licence",
            grouping="singer",
            items=splits.mir1k_items("mir1k", ("own", "other")),
            maker=lambda home: partial(mixes.sing, backing=home / "corpus" / "debian"),
            min_seconds=3.1,
        ),
        Collection(
            name="mir1k_remixed",
            description="MIR-1K: the same voices, each over two more stretches of the prepared "
            "corpus 'debian'",
            obtain="Put the data set's solo voices into vocal/, singer_song_clip.",
            licence="research data without an open licence",
            grouping="singer",
            items=splits.mir1k_items("mir1k_remixed", ("second", "third")),
            maker=lambda home: partial(mixes.sing, backing=home / "corpus" / "debian"),
            min_seconds=3.1,
        ),
        Collection(
            name="philharmonia",
            description="phrases put together from 9,750 single notes of orchestral instruments",
            obtain="Check out the GitHub repository skratchdot/philharmonia-samples there.",
            licence="CC BY-SA 3.0",
            grouping="instrument; all for training",
            items=splits.philharmonia_items,
            maker=lambda home: mixes.play_phrase,
            min_seconds=10.0,
        ),
        Collection(
            name="pop909",
            rendered=True,
            description="POP909: pop songs rendered with random instruments",
            obtain="Unpack POP909 (GitHub: music-x-lab/POP909-Dataset) there.",
            licence="MIT; soundfonts under their own licences",
            grouping="song",
            items=splits.render_items("pop909", "[0-9][0-9][0-9].mid"),
            maker=lambda home: render.render_item,
        ),
        Collection(
            name="openewld",
            rendered=True,
            description="OpenEWLD: lead sheets in the public domain, arranged and rendered",
            obtain="Unpack OpenEWLD (GitHub: 00sapo/OpenEWLD) there.",
            licence="MIT; soundfonts under their own licences",
            grouping="song",
            items=splits.render_items("openewld", "*.mxl"),
            maker=lambda home: render.render_item,
        ),
        Collection(
            name="charts_mma",
            rendered=True,
            description="chord charts of 14 qualities, accompanied in 1,900 styles and rendered; "
            "labels: chords, beats, melody",
            obtain="Install the Debian package mma, fluidsynth and the soundfonts.",
            licence="made here; grooves and soundfonts under their own licences",
            grouping="chart; one soundfont is kept for testing",
            items=splits.made_items("charts_mma", 260),
            maker=lambda home: charts.render_chart,
            fetch=lambda folder: charts.need_mma(),
        ),
        Collection(
            name="guitar",
            rendered=True,
            description="chords strummed, picked and single, on guitars, their kin and pianos, of "
            "soundfonts and of recorded notes; labels: chords, beats",
            obtain="Check out the GitHub repository skratchdot/philharmonia-samples into "
            "src/philharmonia; install fluidsynth and the soundfonts.",
            licence="CC BY-SA 3.0 (notes); soundfonts under their own licences",
            grouping="item; one soundfont is kept for testing",
            items=splits.made_items("guitar", 240),
            maker=lambda home: partial(
                plucked.render_plucked, samples=home / "src" / "philharmonia" / "audio"
            ),
            source="philharmonia",
        ),
        Collection(
            name="songs_pop909",
            rendered=True,
            description="POP909: pop songs, rendered by random bands with leads that bend; "
            "labels: chords, melody, beats",
            obtain="Unpack POP909 (GitHub: music-x-lab/POP909-Dataset) into src/pop909.",
            licence="MIT; soundfonts under their own licences",
            grouping="song; one soundfont is kept for testing",
            items=splits.song_items("songs_pop909", "[0-9][0-9][0-9].mid", splits.POP909_SONGS),
            maker=lambda home: renditions.render_song,
            source="pop909",
        ),
        Collection(
            name="guitar_bands",
            rendered=True,
            description="POP909: pop songs played by rock, metal, punk and reggae bands, with "
            "amplified guitars and their leads; labels: chords, melody, beats",
            obtain="Unpack POP909 (GitHub: music-x-lab/POP909-Dataset) into src/pop909 and check "
            "out the GitHub repository skratchdot/philharmonia-samples into src/philharmonia.",
            licence="MIT; CC BY-SA 3.0 (notes); soundfonts under their own licences",
            grouping="song, divided as songs_pop909 is; one soundfont is kept for testing",
            items=splits.half_to_train(
                splits.song_items("guitar_bands", "[0-9][0-9][0-9].mid", splits.POP909_SONGS)
            ),
            maker=lambda home: partial(
                guitar_bands.render_band, samples=home / "src" / "philharmonia" / "audio"
            ),
            source="pop909",
        ),
        Collection(
            name="songs_openewld",
            rendered=True,
            description="OpenEWLD: lead sheets in the public domain, rendered by random bands; "
            "labels: chords, melody, beats",
            obtain="Unpack OpenEWLD (GitHub: 00sapo/OpenEWLD) into src/openewld.",
            licence="MIT; soundfonts under their own licences",
            grouping="song; one soundfont is kept for testing",
            items=splits.song_items("songs_openewld", "*.mxl", splits.OPENEWLD_SONGS),
            maker=lambda home: renditions.render_song,
            source="openewld",
        ),
        Collection(
            name="sung_own",
            description="MIR-1K: each clip over its own accompaniment, and accompaniments alone; "
            "labels: melody",
            obtain="Put MIR-1K's solo voices into src/mir1k/vocal and its accompaniments into "
            "src/mir1k/accompaniment, and install the extra 'voice'.",
            licence="research data without an open licence",
            grouping="singer",
            items=splits.sung_own_items,
            maker=lambda home: voices.sing_over_own,
            min_seconds=3.1,
            source="mir1k",
        ),
        Collection(
            name="sung_other",
            description="MIR-1K: 600 voices, some moved, over rendered backings or the corpus "
            "'debian'; labels: melody",
            obtain="Put MIR-1K's solo voices into src/mir1k/vocal, POP909 into src/pop909, install "
            "the extra 'voice' and prepare 'debian'.",
            licence="research data without an open licence",
            grouping="singer; one soundfont is kept for testing",
            items=splits.sung_over_items("sung_other", "other", splits.SUNG_OVER_OTHER),
            maker=lambda home: partial(
                voices.sing_over_other,
                music=home / "corpus" / "debian",
                songs_of=splits.pop909_songs(home / "src" / "pop909"),
            ),
            min_seconds=3.1,
            source="mir1k",
        ),
        Collection(
            name="sung_bands",
            description="MIR-1K: 320 voices, moved or disguised, over rendered guitar bands; "
            "labels: melody",
            obtain="Put MIR-1K's solo voices into src/mir1k/vocal, POP909 into src/pop909, check "
            "out the GitHub repository skratchdot/philharmonia-samples into src/philharmonia and "
            "install the extra 'voice'.",
            licence="research data without an open licence; CC BY-SA 3.0 (notes)",
            grouping="singer; the song is of the same split; one soundfont is kept for testing",
            items=splits.sung_over_items("sung_bands", "band", splits.SUNG_OVER_BANDS),
            maker=lambda home: partial(
                voices.sing_over_band,
                songs_of=splits.pop909_songs(home / "src" / "pop909"),
                samples=home / "src" / "philharmonia" / "audio",
            ),
            min_seconds=3.1,
            source="mir1k",
        ),
        Collection(
            name="sung_synth",
            rendered=True,
            description="MIR-1K's singers synthesised on melodies of POP909, over rendered "
            "backings; labels: melody, chords, beats",
            obtain="Put MIR-1K's solo voices into src/mir1k/vocal, POP909 into src/pop909 and "
            "install the extra 'voice'.",
            licence="research data without an open licence",
            grouping="singer; the song is of the same split; one soundfont is kept for testing",
            items=splits.sung_synth_items,
            maker=lambda home: partial(voices.sing_melody, voices=home / "src" / "mir1k" / "vocal"),
            min_seconds=8.0,
            source="mir1k",
        ),
    )
}
COLLECTIONS |= {
    entry.name: entry
    for entry in (
        replace(
            COLLECTIONS["songs_pop909"],
            name="songs_pop909_more",
            description="POP909: the songs that songs_pop909 leaves out, and second renditions of "
            "those it trains on; labels: chords, melody, beats",
            grouping="song; all for training",
            items=splits.more_song_items(
                "songs_pop909_more", "[0-9][0-9][0-9].mid", beside=splits.POP909_SONGS
            ),
        ),
        replace(
            COLLECTIONS["songs_openewld"],
            name="songs_openewld_more",
            description="OpenEWLD: the lead sheets that songs_openewld leaves out, and second "
            "renditions of those it trains on; labels: chords, melody, beats",
            grouping="song; all for training",
            items=splits.more_song_items(
                "songs_openewld_more", "*.mxl", beside=splits.OPENEWLD_SONGS
            ),
        ),
        replace(
            COLLECTIONS["songs_openewld"],
            name="songs_recorded",
            description="OpenEWLD: the lead sheets of songs_openewld_more, led by recorded notes "
            "of 12 instruments over rendered bands; labels: chords, melody, beats",
            obtain="Unpack OpenEWLD (GitHub: 00sapo/OpenEWLD) into src/openewld, check out the "
            "GitHub repository skratchdot/philharmonia-samples into src/philharmonia and install "
            "the extra 'voice'.",
            licence="MIT; CC BY-SA 3.0 (notes); soundfonts under their own licences",
            grouping="song; all for training",
            items=splits.more_song_items(
                "songs_recorded", "*.mxl", beside=splits.OPENEWLD_SONGS, take="recorded"
            ),
            maker=lambda home: partial(
                renditions.render_song, samples=home / "src" / "philharmonia" / "audio"
            ),
        ),
        replace(
            COLLECTIONS["guitar"],
            name="guitar_more",
            description="more chords of plucked strings and pianos, like those of guitar; labels: "
            "chords, beats",
            grouping="item; all for training",
            items=splits.made_items("guitar_more", 600, "train"),
        ),
        replace(
            COLLECTIONS["guitar"],
            name="guitar_loose",
            description="chords like those of guitar, where half of the strummed ones have open "
            "strings in them that do not belong; labels: chords, beats",
            grouping="item; all for training",
            items=splits.made_items("guitar_loose", 400, "train"),
            maker=lambda home: partial(
                plucked.render_plucked,
                samples=home / "src" / "philharmonia" / "audio",
                looseness=0.5,
            ),
        ),
        replace(
            COLLECTIONS["charts_mma"],
            name="charts_mma_more",
            description="more accompanied chord charts, like those of charts_mma; labels: chords, "
            "beats, melody",
            grouping="chart; all for training",
            items=splits.made_items("charts_mma_more", 800, "train"),
            source="charts_mma",
        ),
        replace(
            COLLECTIONS["sung_other"],
            name="sung_more",
            description="MIR-1K: each voice of the singers to train on over two more backings, as "
            "in sung_other; labels: melody",
            grouping="singer; all for training",
            items=splits.sung_more_items("sung_more", ("first", "second")),
        ),
        replace(
            COLLECTIONS["sung_other"],
            name="sung_disguised",
            description="MIR-1K: each voice of the singers to train on in two other throats: "
            "moved formants and pitch, vibrato, breath, distortion; over backings as in "
            "sung_other; labels: melody",
            grouping="singer; all for training",
            items=splits.sung_more_items("sung_disguised", ("first", "second")),
            maker=lambda home: partial(
                voices.sing_over_other,
                music=home / "corpus" / "debian",
                songs_of=splits.pop909_songs(home / "src" / "pop909"),
                change=voices.disguised,
            ),
        ),
    )
}
