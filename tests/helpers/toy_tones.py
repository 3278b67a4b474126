"""High and low tones with their labels, and a small tagger that tells them apart."""

import numpy as np

from mirzoo.data.folder import LabelledClips, LabelledWindows
from mirzoo.data.recordings import Recording
from mirzoo.models.build import build_model
from mirzoo.recipe import Recipe

FRONTENDS = {
    "mel": {"n_mels": 24, "hop_length": 512},
    "leaf": {"n_filters": 16, "kernel_size": 129, "pooling_size": 129, "decimation": 16},
}


def make_model(frontend: str, **changes):
    recipe = Recipe.model_validate(
        {
            "description": "tells tones apart",
            "frontend": {"type": frontend, **FRONTENDS[frontend]},
            "head": {
                "type": "cnn",
                "blocks": [{"filters": 8, "stride": [2, 2]}],
                "embedding": 16,
                "dropout": 0.0,
            },
            "task": {"type": "tagging", "labels": ["high", "low"], "activation": "softmax"},
            "window_s": 0.5,
            "source": {"paper": "none"},
            **changes,
        }
    )
    return build_model(recipe, "tones")


def tones(count: int) -> LabelledWindows:
    rng = np.random.default_rng(0)
    is_low = np.arange(count) % 2
    hertz = np.where(is_low, 300.0, 2000.0) * rng.uniform(0.8, 1.2, count)
    t = np.arange(8000) / 16000
    waveforms = 0.3 * np.sin(2 * np.pi * hertz[:, None] * t) + rng.normal(0, 0.01, (count, 8000))
    return LabelledWindows(
        waveforms.astype(np.float32), np.eye(2, dtype=np.float32)[is_low], np.arange(count)
    )


def tone_clips(count: int, groups: int | None = None) -> LabelledClips:
    """Clips of 0.6 s, high and low in turn; each its own group where ``groups`` is not given."""
    data = tones(count)
    names = ["high", "low"]
    return LabelledClips(
        tuple(
            Recording.tagged(
                waveform,
                [names[int(target.argmax())]],
                str(number % (groups or count)),
                16000,
                name=str(number),
            )
            for number, (waveform, target) in enumerate(zip(data.waveforms, data.targets))
        ),
        ("high", "low"),
    )
