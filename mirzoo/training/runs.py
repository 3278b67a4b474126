"""What one training opens: its corpora, the models that its recipe names, each once."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path

from mirzoo import hub
from mirzoo.data.corpus import SAMPLE_RATE, Corpus
from mirzoo.errors import DataError, RecipeError
from mirzoo.models.model import Model
from mirzoo.recipe import DataConfig, Recipe
from mirzoo.training.distribution import ONE_DEVICE, Distribution
from mirzoo.training.teachers import Teachers


class Run:
    """A recipe, and what it is trained and measured on; nothing is opened twice.

    Parameters
    ----------
    recipe : Recipe
    data : path
        The folder of prepared corpora.
    find : callable
        Gives the trained model of a name: those that the recipe starts from or is distilled from.
    distribution : Distribution
        On which devices it is trained.
    """

    def __init__(
        self,
        recipe: Recipe,
        data: str | Path,
        find: Callable[[str], Model] = hub.load,
        distribution: Distribution = ONE_DEVICE,
    ) -> None:
        self.recipe = recipe
        self.distribution = distribution
        self.folder = Path(data)
        self._find = find
        self._models: dict[str, Model] = {}

    @property
    def data(self) -> DataConfig:
        """The recipe's section ``data``.

        Raises
        ------
        RecipeError
            If it has none.
        """
        if self.recipe.data is None:
            raise RecipeError(
                "the recipe has no 'data', so there is nothing to train it on; add "
                "data.collections, or fit a model from mirzoo.create(...) with model.fit"
            )
        return self.recipe.data

    @cached_property
    def corpora(self) -> list[Corpus]:
        """The corpora to train on, in the recipe's order.

        Raises
        ------
        RecipeError
            If the recipe has no data or another sample rate.
        DataError
            If one is not prepared.
        """
        collections = self.data.collections
        if self.recipe.frontend.sample_rate != SAMPLE_RATE:
            raise RecipeError(
                f"the front-end takes {self.recipe.frontend.sample_rate} Hz and prepared corpora "
                f"are at {SAMPLE_RATE} Hz; set frontend.sample_rate: {SAMPLE_RATE}"
            )
        missing = [c for c in collections if not (self.folder / c / "items.csv").exists()]
        if missing:
            raise DataError(
                f"the corpora {', '.join(missing)} are not prepared under {self.folder}; "
                f"run: mirzoo prepare {' '.join(missing)} --home {self.folder.parent}"
            )
        return [Corpus.load(self.folder / name) for name in collections]

    @cached_property
    def tests(self) -> list[Corpus]:
        """The further corpora that the model is measured on."""
        return [Corpus.load(self.folder / name) for name in self.data.tests]

    @cached_property
    def teachers(self) -> list[Teachers]:
        """The teachers of each corpus to train on, which may be none."""
        return [Teachers(corpus, self.data.teachers, self.model) for corpus in self.corpora]

    def model(self, name: str) -> Model:
        """A trained model that the recipe names."""
        if name not in self._models:
            self._models[name] = self._find(name)
        return self._models[name]


def find_trained(name: str, runs: Path) -> Model | None:
    """Load a model of the zoo, or that of a finished run in a folder of runs; else give None.

    Runs are also found by the name that their recipe had in earlier versions.
    """
    if name in hub.list_models(pretrained=True):
        return hub.load(name)
    for known in (hub.recipe_name(name), *hub.former_names(name)):
        if (runs / known / known).exists():
            return hub.load(runs / known / known)
    return None
