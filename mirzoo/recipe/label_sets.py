"""Label sets of published collections, by the name that a recipe may give for ``labels``."""

from __future__ import annotations

MAGNATAGATUNE = (
    "guitar", "classical", "slow", "techno", "strings", "drums", "electronic", "rock", "fast",
    "piano", "ambient", "beat", "violin", "vocal", "synth", "female", "indian", "opera", "male",
    "singing", "vocals", "no vocals", "harpsichord", "loud", "quiet", "flute", "woman",
    "male vocal", "no vocal", "pop", "soft", "sitar", "solo", "man", "classic", "choir", "voice",
    "new age", "dance", "male voice", "female vocal", "beats", "harp", "cello", "no voice",
    "weird", "country", "metal", "female voice", "choral",
)  # fmt: skip

MILLION_SONG = (
    "rock", "pop", "alternative", "indie", "electronic", "female vocalists", "dance", "00s",
    "alternative rock", "jazz", "beautiful", "metal", "chillout", "male vocalists",
    "classic rock", "soul", "indie rock", "Mellow", "electronica", "80s", "folk", "90s", "chill",
    "instrumental", "punk", "oldies", "blues", "hard rock", "ambient", "acoustic", "experimental",
    "female vocalist", "guitar", "Hip-Hop", "70s", "party", "country", "easy listening", "sexy",
    "catchy", "funk", "electro", "heavy metal", "Progressive rock", "60s", "rnb", "indie pop",
    "sad", "House", "happy",
)  # fmt: skip

JAMENDO = (
    *(
        f"genre---{name}"
        for name in (
            "alternative", "ambient", "atmospheric", "chillout", "classical", "dance", "downtempo",
            "easylistening", "electronic", "experimental", "folk", "funk", "hiphop", "house",
            "indie", "instrumentalpop", "jazz", "lounge", "metal", "newage", "orchestral", "pop",
            "popfolk", "poprock", "reggae", "rock", "soundtrack", "techno", "trance", "triphop",
            "world",
        )
    ),
    *(
        f"instrument---{name}"
        for name in (
            "acousticguitar", "bass", "computer", "drummachine", "drums", "electricguitar",
            "electricpiano", "guitar", "keyboard", "piano", "strings", "synthesizer", "violin",
            "voice",
        )
    ),
    *(f"mood/theme---{name}" for name in ("emotional", "energetic", "film", "happy", "relaxing")),
)  # fmt: skip

LABEL_SETS = {"magnatagatune": MAGNATAGATUNE, "million_song": MILLION_SONG, "jamendo": JAMENDO}
"""The 50 commonest tags of MagnaTagATune (Law et al., ISMIR 2009) and of the Million Song
Dataset's Last.fm tags (Bertin-Mahieux et al., ISMIR 2011), in the order of musicnn's outputs
(Pons & Serra 2019, arXiv:1909.06654), and those of MTG-Jamendo (Bogdanov et al., ICML 2019 Machine
Learning for Music Discovery Workshop), sorted, as the published taggers have them (Won et al. 2020,
arXiv:2006.00751)."""


def labels_of(value: object) -> object:
    """The labels of a set given by its name; anything else as it is.

    Raises
    ------
    ValueError
        If there is no such set.
    """
    if not isinstance(value, str):
        return value
    if value not in LABEL_SETS:
        raise ValueError(
            f"there is no label set {value!r}; give a list, or one of {', '.join(LABEL_SETS)}"
        )
    return LABEL_SETS[value]
