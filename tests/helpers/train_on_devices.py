"""Train a toy on logical CPU devices; it ends with status 7 after an epoch, where one is given.

Usage: train_on_devices.py DEVICES CLIPS_OR_FRAMES FOLDER [LAST_EPOCH]
"""

import os
import sys
from pathlib import Path

import tensorflow as tf

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "training")]


def main(devices: int, kind: str, folder: Path, last_epoch: int) -> None:
    if devices > 1:
        cpu = tf.config.list_physical_devices("CPU")[0]
        each = [tf.config.LogicalDeviceConfiguration()] * devices
        tf.config.set_logical_device_configuration(cpu, each)

    from mirzoo import hub
    from mirzoo.training import fitting
    from mirzoo.training.distribution import distribution_of
    from mirzoo.training.measuring import trainer_of
    from mirzoo.training.runs import Run

    recipe, find = _toy(kind, folder / "corpora")
    if last_epoch:
        at_end = fitting._Backup.on_epoch_end

        def stop(self, epoch, logs=None):
            at_end(self, epoch, logs)
            if epoch + 1 == last_epoch:
                os._exit(7)

        fitting._Backup.on_epoch_end = stop
    distribution = distribution_of("mirrored" if devices > 1 else "none")
    run = Run(recipe, folder / "corpora", find, distribution)
    model = trainer_of(recipe).fit(run, folder / "run", name="toys")
    hub.save(model, folder / "toys")


def _toy(kind: str, corpora: Path):
    """A recipe that draws nothing at random in its graph, and what finds its teachers."""
    import toy_music

    from mirzoo.data.corpus import Item, prepare

    splits = ["valid" if number >= 16 else "train" for number in range(24)]
    if kind == "frames":
        items = [Item(str(n), "toys", str(n), "", split) for n, split in enumerate(splits)]
        make, find, name = toy_music.play, None, "toys"
        recipe = toy_music.make_recipe("chords", training={"epochs": 3, "batch_size": 8})
        recipe = recipe.model_copy(update={"head": recipe.head.model_copy(update={"dropout": 0.0})})
    else:
        import test_training as toys

        toys.clips.PORTS = {name: type("Spec", (), {"labels": toys.LABELS}) for name in TEACHERS}
        items = [Item(str(n), "tones", str(n % 3), "", split) for n, split in enumerate(splits)]
        make, find, name = toys.tone, lambda teacher: toys.Ear(), "tones"
        block = {"filters": 8, "stride": [2, 2]}
        recipe = toys.make_recipe(
            head={"type": "cnn", "blocks": [block], "embedding": 16, "dropout": 0.0}
        )
    if not (corpora / name).exists():
        prepare(items, corpora / name, make=make, min_seconds=1.0, processes=1)
    return recipe, find


TEACHERS = ("ear", "other_ear")

if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), int((sys.argv[4:] or ["0"])[0]))
