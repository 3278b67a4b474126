"""Which options an export can have: one table, read by the code, the command line and the docs.

Each rule refuses something, with why, and what to use in its place. What no rule refuses is
written, and compared with the model before it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import ceil, gcd

from mirzoo.annotate import EMBEDDING
from mirzoo.card import Contract
from mirzoo.errors import ExportError
from mirzoo.export.base import FORMATS, Format
from mirzoo.export.contract import shortest_window
from mirzoo.export.options import ALL, ANY, ExportOptions
from mirzoo.tasks.base import TASKS

LITERT, ONNX, SAVED_MODEL = "litert", "onnx", "saved_model"
LONG_WINDOW_S = 30.0
MOST_S_AT_ONCE = 3600
MOST_HZ = 192_000
COMMON_RATES = (8000, 11025, 16000, 22050, 24000, 32000, 44100, 48000, 96000)
TAPS = 110
"""About how many samples of the slower waveform a filter of `mirzoo.dsp.resampling` spans."""
MOST_RESAMPLER_FLOATS = 150_000
OF_STEPS = ("streaming", "outputs", "dft")
"""The options of files that go step by step."""


@dataclass(frozen=True)
class Case:
    """What is asked: a model in a format with options.

    Parameters
    ----------
    format : Format
    contract : Contract
        The model's own.
    options : ExportOptions
    recurrent : bool
        Whether the model has recurrent layers.
    """

    format: Format
    contract: Contract
    options: ExportOptions
    recurrent: bool = False

    @property
    def outputs(self) -> list[str]:
        """The names that ``outputs`` may hold."""
        return [*(output.name for output in self.contract.outputs), EMBEDDING]

    @property
    def takes_any_length(self) -> bool:
        """Whether the file takes windows of any length."""
        any_length = self.contract.input.whole or self.format.name == SAVED_MODEL
        return self.options.window_s == ANY or (any_length and self.options.window_s is None)

    @property
    def rate(self) -> int:
        """Samples per second of what the file takes (Hz)."""
        return self.options.input_rate or self.contract.sample_rate

    @property
    def usual_window(self) -> int:
        """The card's window (samples at `rate`)."""
        return ceil(self.contract.input.window_samples * self.rate / self.contract.sample_rate)

    @property
    def seconds_at_once(self) -> float:
        """The length of all windows of a batch together (s)."""
        window_s, batch = self.options.window_s, self.options.batch
        usual = window_s in (None, ANY)
        return (1 if batch in (None, ANY) else batch) * (
            self.contract.window_s if usual else window_s
        )

    @property
    def has_rate_in_range(self) -> bool:
        """Whether no more than half of what the model processes would be missing."""
        return self.contract.sample_rate / 2 <= self.rate <= MOST_HZ

    @property
    def resampler_floats(self) -> int:
        """About how many numbers the resampler's filters hold."""
        return _resampler_floats(self.rate, self.contract.sample_rate)

    @property
    def usual_rates(self) -> list[int]:
        """Those of `COMMON_RATES` that can be resampled to the model's."""
        own = self.contract.sample_rate
        return [
            rate
            for rate in COMMON_RATES
            if rate >= own / 2 and _resampler_floats(rate, own) <= MOST_RESAMPLER_FLOATS
        ]

    @property
    def shortest(self) -> int:
        """The shortest window (samples at `rate`)."""
        return shortest_window(self.contract, self.rate)


def _resampler_floats(rate: int, own: int) -> int:
    return int(TAPS * rate / min(rate, own) * own / gcd(rate, own))


@dataclass(frozen=True)
class Rule:
    """Something that is refused.

    Parameters
    ----------
    option : str
        The option of `mirzoo.export` that it is about.
    refuses : callable
        Whether it refuses a `Case`, in which that option is not at its default.
    why : callable
        Why it cannot be and what to use instead, for a `Case`: a clause.
    """

    option: str
    refuses: Callable[[Case], bool]
    why: Callable[[Case], str]


def _has_unknown_outputs(case: Case) -> bool:
    outputs = case.options.outputs
    return outputs != ALL and not set(outputs) <= set(case.outputs)


def _is_too_short(case: Case) -> bool:
    window_s = case.options.window_s
    return window_s != ANY and round(window_s * case.rate) < case.shortest


def _not_in_steps(case: Case) -> list[str]:
    return [name for name in case.options.given() if name not in OF_STEPS]


RULES: tuple[Rule, ...] = (
    Rule(
        "calibration",
        lambda case: case.options.quantize != "int8",
        lambda case: "only int8 is fitted to recordings; leave it out, or take quantize='int8'",
    ),
    Rule(
        "outputs",
        _has_unknown_outputs,
        lambda case: (
            f"the model has no such output; it has {', '.join(case.outputs)}, and 'all' stands "
            "for all of them"
        ),
    ),
    Rule(
        "window_s",
        _is_too_short,
        lambda case: (
            f"the shortest window at {case.rate} Hz has {case.shortest} samples; give "
            f"window_s={case.shortest / case.rate:.3f} or more"
        ),
    ),
    Rule(
        "batch",
        lambda case: case.format.name == LITERT and case.options.batch == ANY and case.recurrent,
        lambda case: (
            "LiteRT keeps the states of recurrent layers in lists of a fixed size; give a number "
            "of windows, as batch=8"
        ),
    ),
    Rule(
        "batch",
        lambda case: case.seconds_at_once > MOST_S_AT_ONCE,
        lambda case: (
            f"its windows together would last {case.seconds_at_once:.0f} s, and "
            f"{MOST_S_AT_ONCE} s at most fit into memory at once; give a smaller number"
        ),
    ),
    Rule(
        "window_s",
        lambda case: case.format.name == LITERT and case.options.window_s == ANY and case.recurrent,
        lambda case: (
            "LiteRT's loops over recurrent layers are made for a number of frames; give the "
            "length of a window, as window_s=10"
        ),
    ),
    Rule(
        "input_rate",
        lambda case: not case.has_rate_in_range,
        lambda case: (
            f"rates from {ceil(case.contract.sample_rate / 2)} to {MOST_HZ} Hz are resampled; "
            "below, half of what the model processes would be missing"
        ),
    ),
    Rule(
        "input_rate",
        lambda case: case.has_rate_in_range and case.resampler_floats > MOST_RESAMPLER_FLOATS,
        lambda case: (
            f"{case.rate} and {case.contract.sample_rate} Hz have no simple ratio, so that the "
            "filters between them would be larger than the model; give one of "
            f"{', '.join(map(str, case.usual_rates))}"
        ),
    ),
    Rule(
        "input_rate",
        lambda case: case.options.window_s in (None, ANY) and case.usual_window < case.shortest,
        lambda case: (
            f"frames fall on samples at {case.rate} Hz so seldom that windows must have "
            f"{case.shortest} of them; give window_s={case.shortest / case.rate:.3f} or more too"
        ),
    ),
    Rule(
        "decode",
        lambda case: TASKS[case.contract.task].decisions is None,
        lambda case: (
            f"{TASKS[case.contract.task].without_decisions}; leave it out, and use "
            "mirzoo.load(file).annotate(recording), or decode the outputs in your own code"
        ),
    ),
    Rule(
        "decode",
        lambda case: case.options.outputs is not None,
        lambda case: "decisions take the place of all outputs; leave outputs out, or decode",
    ),
    Rule(
        "decode",
        lambda case: case.takes_any_length and TASKS[case.contract.task].framewise,
        lambda case: (
            "it decides on windows of one length, and this file would take any; give "
            f"window_s={min(case.contract.window_s, LONG_WINDOW_S):g} too"
        ),
    ),
    Rule(
        "streaming",
        lambda case: not case.contract.live,
        lambda case: (
            "it is for live models, whose results depend on the past and a short look-ahead; leave "
            "it out, and stream the file window by window with mirzoo.stream(file)"
        ),
    ),
    Rule(
        "streaming",
        lambda case: bool(_not_in_steps(case)),
        lambda case: f"a file of steps has no {', '.join(_not_in_steps(case))}; leave that out",
    ),
    Rule(
        "dft",
        lambda case: case.format.name == ONNX and case.options.dft == "fft",
        lambda case: "its converter has no Fourier transform; leave it out, or take 'conv'",
    ),
)
"""All that is refused."""


def refusals(case: Case) -> Iterator[tuple[str, str]]:
    """Each option that is refused, with the reason."""
    given = case.options.given()
    for option in given:
        if option not in case.format.options:
            yield option, _elsewhere(option)
    for rule in RULES:
        if rule.option in given and rule.option in case.format.options and rule.refuses(case):
            yield rule.option, rule.why(case)


def _elsewhere(option: str) -> str:
    able = [known for known in FORMATS.values() if option in known.options]
    return f"it is for {' and '.join(known.title for known in able)}; give " + " or ".join(
        f"a name that ends in '{known.suffix}'" if known.suffix else "the name of a folder"
        for known in able
    )


def require_allowed(case: Case) -> None:
    """Raise an ExportError where something is refused.

    Raises
    ------
    ExportError
        With each option, its value, the reason and what to use instead.
    """
    given = case.options.given()
    reasons = [f"{option}={given[option]!r}: {why}" for option, why in refusals(case)]
    if reasons:
        raise ExportError(
            f"'{case.contract.name}' as {case.format.title} is refused with {'; '.join(reasons)}"
        )
