"""Chord charts in known keys, with modulations, accompanied by MMA and rendered.

Charts of `mirzoo.studio.score.keyed_charts`, played as those of `mirzoo.studio.charts_mma` are:
any groove, any instruments, any tuning, sometimes a soloist, who keeps to the scale.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mirzoo.data.corpus import Item
from mirzoo.data.labels import Labels
from mirzoo.data.sources import COLLECTIONS, Collection
from mirzoo.studio import _items
from mirzoo.studio.charts_mma import CHART_S, need_mma, perform
from mirzoo.studio.score.keyed_charts import draw_keyed_chart, longest_key


def render_keyed_chart(item: Item) -> tuple[np.ndarray, Labels]:
    """Render a chart in keys, 45 s: waveform at 16 kHz, its keys, chords, beats and solo."""
    waveform, labels, played = perform(item, draw_keyed_chart)
    keys = played.chart.keys(played.bar_s, CHART_S)
    return waveform, replace(labels, key=longest_key(keys), keys=keys)


COLLECTIONS.register(
    Collection(
        name="charts_keys",
        rendered=True,
        description="chord charts in known keys, two fifths of them with modulations, accompanied "
        "in 1,900 styles and rendered; labels: keys, chords, beats, melody",
        obtain="Install the Debian package mma, fluidsynth and the soundfonts.",
        licence="made here; grooves and soundfonts under their own licences",
        commercial="yes",
        grouping="chart; one soundfont is held out for testing",
        items=_items.made_items("charts_keys", 276),
        maker=lambda home: render_keyed_chart,
        fetch=lambda folder: need_mma(),
        programs=("mma", "fluidsynth"),
    )
)
