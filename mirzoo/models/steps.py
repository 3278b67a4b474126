"""A model as one step of a stream: the next samples and a state in, frames and the next state out.

The step graph is made of the model's own Keras layers, in the order in which the model has them:

- what depends on a short stretch of the waveform alone (the front-end and convolutions) is computed
  anew for the last samples, and the frames at the edges, which zeros would reach, are left out;
- recurrent layers go on from their state, and so do layers that have a ``step`` of their own
  (`mirzoo.models.layers.pooling.TrailingPooling`);
- convolutions behind those, or that reach farther than `ANEW_FRAMES`, have their last frames as a
  state.

A stream begins with a state of zeros: behind silence. Its frames are those of the whole waveform
behind silence, but for rounding. Layers that go backwards, or take a mean over a whole clip, have
no steps (`NoStepsError`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import keras
import tensorflow as tf

from mirzoo.card import StateSpec, Streaming
from mirzoo.errors import ArtefactError
from mirzoo.recipe import Recipe

if TYPE_CHECKING:
    import numpy as np

    from mirzoo.models.model import Model

SAMPLES = "samples"
"""The name of the state that holds the last samples."""

STEP_S = 0.04
"""Steps of a stream are as many whole frames as fit in this, at least one."""

ANEW_FRAMES = 32
"""What depends on more frames than this is not computed anew in each step."""

MOST_FRAMES = 64
"""Of a step: recurrent layers go through its frames without a loop."""

State = dict[str, tf.Tensor]

_Run = Callable[[dict[int, Any], State, State], None]

_FRAME_BY_FRAME = (
    keras.layers.Activation,
    keras.layers.Add,
    keras.layers.Dense,
    keras.layers.Dropout,
    keras.layers.ELU,
    keras.layers.LeakyReLU,
    keras.layers.Multiply,
    keras.layers.ReLU,
    keras.layers.SpatialDropout1D,
    keras.layers.SpatialDropout2D,
)
_ALONG_AN_AXIS = (
    keras.layers.BatchNormalization,
    keras.layers.Concatenate,
    keras.layers.LayerNormalization,
    keras.layers.Softmax,
)
_CONVOLUTIONS = (
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.DepthwiseConv1D,
    keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv1D,
    keras.layers.SeparableConv2D,
)
_POOLINGS = (
    keras.layers.AveragePooling1D,
    keras.layers.AveragePooling2D,
    keras.layers.MaxPooling1D,
    keras.layers.MaxPooling2D,
)
_PADDINGS = (keras.layers.ZeroPadding1D, keras.layers.ZeroPadding2D)
_CROPPINGS = (keras.layers.Cropping1D, keras.layers.Cropping2D)
_MOVES = (*_PADDINGS, *_CROPPINGS)


class NoStepsError(ArtefactError):
    """A model that has no steps; the message names the layer and the reason."""


@dataclass(frozen=True)
class _Buffered:
    """All frames of the buffer of samples, each of what lies around its time.

    Frame ``k`` depends on the samples from ``k * hop - before`` up to ``k * hop + behind``.
    """

    hop: int
    before: int
    behind: int

    @property
    def frames(self) -> int:
        """How many frames apart the first and the last sample lie that a frame depends on."""
        return -(-(self.before + self.behind) // self.hop)

    @property
    def delay(self) -> int:
        """How many frames back the newest one lies that no sample to come can change."""
        return max(0, -(-self.behind // self.hop) - 1)


@dataclass(frozen=True)
class _Following:
    """The frames of a step alone, so many frames late."""

    delay: int


@dataclass(frozen=True)
class _Window:
    """How a layer goes over frames: its kernel and step, and how much of it lies before a frame."""

    kernel: int = 1
    stride: int = 1
    left: int = 0


class _Steps(Protocol):
    """A layer that goes on from a state."""

    def initial_state(self, batch: int, shape: Sequence[int | None]) -> State:
        """The state of a stream that begins, given the shape of the layer's input."""

    def step(self, inputs: tf.Tensor, state: State) -> tuple[tf.Tensor, State]:
        """The results of the next frames ``(batch, frames, ...)``, and the state behind them."""


class StepGraph:
    """The step graph of a model.

    Parameters
    ----------
    model : Model
        With a recipe, whose results are of frames.
    frames : int, optional
        Frames of a step, `MOST_FRAMES` at most; by default as many as fit in `STEP_S`.

    Attributes
    ----------
    streaming : mirzoo.card.Streaming
        What a step takes, gives and remembers.

    Raises
    ------
    NoStepsError
        If a layer needs more than the past and a short look-ahead.
    """

    def __init__(self, model: Model, frames: int | None = None) -> None:
        if model.card.recipe is None:
            raise NoStepsError(f"'{model.card.name}' has no recipe that tells what it looks at")
        self._name = model.card.name
        frontend = Recipe.model_validate(model.card.recipe).frontend
        for layer in model.frontend.layers:
            if getattr(layer, "remembers", False):
                raise self._none(layer, "each frame depends on all before it")
        self._frontend, self._head = model.frontend, model.head
        self._runs: list[_Run] = []
        self._hop = 0
        self._back = 0
        self._plan(model, frontend.grid.hop_length, *frontend.reach)
        self._frames = frames or max(1, int(STEP_S * model.card.sample_rate / self._hop))
        if not 1 <= self._frames <= MOST_FRAMES:
            raise ValueError(f"frames is {frames}; allowed are 1 to {MOST_FRAMES}")
        self._buffer = self._frames + -(-self._back // self._hop)
        self._step_samples = self._frames * self._hop
        _, state = self(tf.zeros((1, self._step_samples)), {})
        self.streaming = Streaming(
            step_samples=self._step_samples,
            step_frames=self._frames,
            delay_frames=self._latest,
            analysis_samples=frontend.reach[1],
            states=[
                StateSpec(name=name, shape=[int(size) for size in value.shape])
                for name, value in state.items()
            ],
        )

    def __call__(self, samples: tf.Tensor, state: State) -> tuple[dict[str, tf.Tensor], State]:
        """Take the next samples, float32 ``(1, step_samples)``; with no state, behind silence.

        Returns
        -------
        outputs : dict of str to tf.Tensor
            Each output of the card and the embedding, ``(1, step_frames, ...)``.
        state : dict of str to tf.Tensor
            For the next step.
        """
        following: State = {}
        more = (self._buffer - self._frames) * self._hop
        buffer = tf.concat([state.get(SAMPLES, tf.zeros((1, more))), samples], axis=1)
        following[SAMPLES] = buffer[:, self._step_samples :]
        known = {id(self._head.input): self._frontend(buffer, training=False)}
        for run in self._runs:
            run(known, state, following)
        return {name: known[key] for name, key in self._outputs.items()}, following

    def _plan(self, model: Model, hop: int, before: int, behind: int) -> None:
        outer = model.every_output
        nodes = _nodes(outer)
        (of_head,) = (node for node in nodes if node.operation is model.head)
        kinds: dict[int, _Buffered | _Following] = {
            id(model.head.input): _Buffered(hop, before, behind)
        }
        for node in _nodes(model.head):
            self._add(node, kinds)
        same = {
            id(of_head.input_tensors[0]): id(model.head.input),
            id(of_head.output_tensors[0]): id(model.head.output),
        }
        for outside, inside in same.items():
            kinds[outside] = kinds[inside]
            self._runs.append(_same(inside, outside))
        for node in nodes:
            if node.operation not in (model.frontend, model.head):
                self._add(node, kinds)
        tensors = outer.output
        self._latest = max(kinds[id(tensor)].delay for tensor in tensors.values())
        self._outputs = {
            name: self._at_delay(tensor, kinds, self._latest) for name, tensor in tensors.items()
        }

    def _add(self, node: Any, kinds: dict[int, _Buffered | _Following]) -> None:
        """Plan a node: what it gives is of the buffer where it can be, else of the step alone."""
        layer, taken = node.operation, node.input_tensors
        given = node.output_tensors
        if len(given) != 1:
            raise self._none(layer, "it gives several tensors")
        steps, window = _steps_of(layer), _window_of(layer)
        if steps is None and window is None:
            raise self._none(layer, _why_not(layer))
        if window is not None and all(isinstance(kinds[id(t)], _Buffered) for t in taken):
            kind = self._in_buffer(layer, window, [kinds[id(t)] for t in taken])
            if window.stride > 1 or window.kernel == 1 or kind.frames <= ANEW_FRAMES:
                kinds[id(given[0])] = kind
                self._runs.append(_call(node, [id(tensor) for tensor in taken]))
                return
        delay = max(kinds[id(tensor)].delay for tensor in taken)
        sources, result = [self._at_delay(t, kinds, delay) for t in taken], id(given[0])
        if window is None:
            self._runs.append(_go_on(layer, steps, sources[0], result))
        elif window.kernel == 1 and window.stride == 1:
            delay -= window.left  # what is padded behind the last frame comes with those to come
            moves = isinstance(layer, _MOVES)
            self._runs.append(_same(sources[0], result) if moves else _call(node, sources))
        elif window.stride == 1 and len(taken) == 1:
            delay += window.kernel - 1 - window.left
            self._runs.append(_convolve(layer, window, sources[0], result))
        else:
            raise self._none(layer, "it leaves out frames behind recurrent layers")
        kinds[result] = _Following(delay)

    def _in_buffer(self, layer: Any, window: _Window, kinds: Sequence[Any]) -> _Buffered:
        hop = kinds[0].hop
        if any(kind.hop != hop for kind in kinds):
            raise self._none(layer, "it joins frames of different rates")
        before = max(kind.before for kind in kinds) + window.left * hop
        behind = max(kind.behind for kind in kinds) + (window.kernel - 1 - window.left) * hop
        return _Buffered(hop * window.stride, before, behind)

    def _at_delay(self, tensor: Any, kinds: dict[int, _Buffered | _Following], delay: int) -> int:
        """Plan a tensor's frames of the step, so many frames late; gives their key."""
        kind = kinds[id(tensor)]
        if isinstance(kind, _Following) and kind.delay == delay:
            return id(tensor)
        key = hash((id(tensor), delay))
        if isinstance(kind, _Buffered):
            if self._hop not in (0, kind.hop):
                raise NoStepsError(
                    f"'{self._name}' has no steps: its frames are {self._hop} and {kind.hop} "
                    "samples apart"
                )
            self._hop = kind.hop
            self._back = max(self._back, delay * kind.hop + kind.before)
            self._runs.append(self._cut(id(tensor), key, delay))
        else:
            name = f"delayed_{tensor.name}"
            self._runs.append(_delay(name, delay - kind.delay, id(tensor), key))
        return key

    def _cut(self, source: int, key: int, delay: int) -> _Run:
        def run(known: dict[int, Any], state: State, following: State) -> None:
            first = self._buffer - delay - self._frames
            known[key] = known[source][:, first : first + self._frames]

        return run

    def _none(self, layer: Any, why: str) -> NoStepsError:
        return NoStepsError(
            f"'{self._name}' has no steps because of its layer '{layer.name}': {why}"
        )


class KerasSteps:
    """The steps of a model in TensorFlow; see `mirzoo.annotate.live.Steps`.

    Parameters
    ----------
    graph : StepGraph
    """

    def __init__(self, graph: StepGraph) -> None:
        self.streaming = graph.streaming
        states = {
            state.name: tf.TensorSpec(state.shape, tf.float32, state.name)
            for state in self.streaming.states
        }
        self._compute = tf.function(
            lambda samples, state: graph(samples, state),
            input_signature=[tf.TensorSpec((1, self.streaming.step_samples)), states],
            autograph=False,
        )

    def initial(self) -> State:
        """The state that a stream begins with."""
        return {state.name: tf.zeros(state.shape) for state in self.streaming.states}

    def __call__(self, samples: np.ndarray, state: State) -> tuple[dict[str, np.ndarray], State]:
        """The outputs of the next ``(step_samples,)`` samples, ``(step_frames, ...)`` each."""
        outputs, state = self._compute(tf.constant(samples[None]), state)
        return {name: value.numpy()[0] for name, value in outputs.items()}, state


def _nodes(model: keras.Model) -> list[Any]:
    """Its nodes but for the inputs, each behind those whose tensors it takes."""
    by_depth = sorted(model._nodes_by_depth.items(), reverse=True)
    return [node for _, nodes in by_depth for node in nodes if not node.is_input]


def _window_of(layer: Any) -> _Window | None:
    """How a layer goes over frames; None where it is not known to go over them in a window."""
    reach = getattr(layer, "time_reach", None)
    if reach is not None:
        return _Window(sum(reach) + 1, 1, reach[0])
    if isinstance(layer, _FRAME_BY_FRAME):
        return _Window()
    if isinstance(layer, _ALONG_AN_AXIS):
        axis = layer.axis
        axes = list(axis) if isinstance(axis, list | tuple) else [axis]
        return None if 1 in axes else _Window()
    if isinstance(layer, keras.layers.Reshape):
        return _Window() if layer.target_shape[0] == -1 else None
    if isinstance(layer, _CROPPINGS):
        return _Window(left=-_over_time(layer.cropping))
    if isinstance(layer, _PADDINGS):
        return _Window(left=_over_time(layer.padding))
    if isinstance(layer, _CONVOLUTIONS):
        width = (_first(layer.kernel_size) - 1) * _first(layer.dilation_rate) + 1
        return _moving(width, _first(layer.strides), layer.padding)
    if isinstance(layer, _POOLINGS):
        return _moving(_first(layer.pool_size), _first(layer.strides), layer.padding)
    return None


def _moving(width: int, stride: int, padding: str) -> _Window | None:
    if padding == "valid" or width == stride == 1:
        return _Window(width, stride)
    if padding == "causal":
        return _Window(width, stride, width - 1)
    return _Window(width, 1, (width - 1) // 2) if stride == 1 else None


def _over_time(amounts: Any) -> int:
    """What is added or taken before the first frame."""
    return _first(_first(amounts))


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list | tuple) else value


def _why_not(layer: Any) -> str:
    if isinstance(layer, keras.layers.Bidirectional):
        return "it goes backwards in time too; let recurrent layers be unidirectional"
    if isinstance(layer, keras.layers.RNN):
        return "of recurrent layers those have steps that go forwards and give every frame"
    return (
        f"a {type(layer).__name__} is not known to depend on the past and a short look-ahead "
        "alone; a layer of your own states `time_reach`, or has `initial_state` and `step`"
    )


def _steps_of(layer: Any) -> _Steps | None:
    """How a layer with a state goes on; None where it has none."""
    if isinstance(layer, keras.layers.RNN):
        plain = layer.return_sequences and not (layer.go_backwards or layer.return_state)
        return _Recurrent(layer) if plain else None
    return layer if hasattr(layer, "step") and hasattr(layer, "initial_state") else None


class _Recurrent:
    """The steps of a recurrent layer of Keras."""

    def __init__(self, layer: keras.layers.RNN) -> None:
        self._cell = layer.cell
        sizes = layer.cell.state_size
        self._sizes = list(sizes) if isinstance(sizes, list | tuple) else [sizes]

    def initial_state(self, batch: int, shape: Sequence[int | None]) -> State:
        return {f"{number}": tf.zeros((batch, size)) for number, size in enumerate(self._sizes)}

    def step(self, inputs: tf.Tensor, state: State) -> tuple[tf.Tensor, State]:
        states, given = [state[f"{number}"] for number in range(len(self._sizes))], []
        for frame in tf.unstack(inputs, axis=1):
            output, states = self._cell(frame, states, training=False)
            given.append(output)
        return tf.stack(given, axis=1), {f"{number}": s for number, s in enumerate(states)}


def _call(node: Any, sources: Sequence[int]) -> _Run:
    layer, taken, (given,) = node.operation, node.input_tensors, node.output_tensors

    def run(known: dict[int, Any], state: State, following: State) -> None:
        at_hand = {id(tensor): known[key] for tensor, key in zip(taken, sources, strict=True)}
        args, kwargs = node.arguments.fill_in(at_hand)
        known[id(given)] = layer(*args, **kwargs)

    return run


def _same(source: int, result: int) -> _Run:
    def run(known: dict[int, Any], state: State, following: State) -> None:
        known[result] = known[source]

    return run


def _go_on(layer: Any, steps: Any, source: int, result: int) -> _Run:
    def run(known: dict[int, Any], state: State, following: State) -> None:
        inputs = known[source]
        own = {
            name: state.get(f"{layer.name}_{name}", zeros)
            for name, zeros in steps.initial_state(inputs.shape[0], inputs.shape).items()
        }
        known[result], own = steps.step(inputs, own)
        following.update({f"{layer.name}_{name}": value for name, value in own.items()})

    return run


def _convolve(layer: Any, window: _Window, source: int, result: int) -> _Run:
    """A layer that goes over frames, those of the steps before in front of a step's own."""

    def run(known: dict[int, Any], state: State, following: State) -> None:
        name, inputs = f"{layer.name}_frames", known[source]
        frames = _behind(name, window.kernel - 1, inputs, state, following)
        known[result] = layer(frames)[:, window.left : window.left + inputs.shape[1]]

    return run


def _delay(name: str, frames: int, source: int, result: int) -> _Run:
    def run(known: dict[int, Any], state: State, following: State) -> None:
        inputs = known[source]
        known[result] = _behind(name, frames, inputs, state, following)[:, : inputs.shape[1]]

    return run


def _behind(name: str, frames: int, inputs: tf.Tensor, state: State, following: State) -> tf.Tensor:
    """A step's frames behind the last ones of the steps before."""
    shape = (inputs.shape[0], frames, *inputs.shape[2:])
    together = tf.concat([state.get(name, tf.zeros(shape)), inputs], axis=1)
    following[name] = together[:, -frames:]
    return together
