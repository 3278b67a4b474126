"""What is done to a valid file: bytes, lengths and values changed by Hypothesis' choice."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import strategies as st

HEAD_BYTES = 256
NUMBERS = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 1, 2**64 - 1)
ODD_TEXTS = ("", " ", "\0", "nan", "inf", "-1e999", "\ufeff", "\u202e", "é" * 400, "../../x")


@st.composite
def mutated(draw: st.DrawFn, content: bytes, others: tuple[bytes, ...] = ()) -> bytes:
    """The file with one to three changes."""
    changed = bytearray(content)
    for _ in range(draw(st.sampled_from((1, 1, 1, 2, 3)))):
        _change(draw, changed, others)
    return bytes(changed)


def _change(draw: st.DrawFn, content: bytearray, others: tuple[bytes, ...]) -> None:
    if not content:
        return
    way = draw(st.sampled_from(
        ("flip", "byte", "number", "number", "cut", "zeros", "remove", "insert", "repeat", "splice")
    ))  # fmt: skip
    at = _place(draw, len(content))
    length = draw(st.sampled_from((1, 2, 4, 16, 100, 600, 5000)))
    if way == "flip":
        content[at] ^= 1 << draw(st.integers(0, 7))
    elif way == "byte":
        content[at] = draw(st.integers(0, 255))
    elif way == "number":
        width = draw(st.sampled_from((1, 2, 4, 8)))
        order = draw(st.sampled_from(("little", "big")))
        number = draw(st.sampled_from(NUMBERS)) % (1 << 8 * width)
        content[at : at + width] = number.to_bytes(width, order)[: len(content) - at]
    elif way == "cut":
        del content[at:]
    elif way == "zeros":
        content[at : at + length] = bytes(min(length, len(content) - at))
    elif way == "remove":
        del content[at : at + length]
    elif way == "insert":
        content[at:at] = draw(st.binary(min_size=1, max_size=64))
    elif way == "repeat":
        content[at:at] = content[at : at + length]
    elif others:
        other = draw(st.sampled_from(others))
        content[at:] = other[_place(draw, max(1, len(other))) :]


def _place(draw: st.DrawFn, length: int) -> int:
    if draw(st.booleans()):
        return draw(st.integers(0, min(HEAD_BYTES, length) - 1))
    return draw(st.integers(0, length - 1))


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.sampled_from(ODD_TEXTS)
    | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=8,
)


@st.composite
def changed_tree(draw: st.DrawFn, tree: Any) -> Any:
    """A tree of lists and dicts with one to three values replaced, removed, renamed or repeated."""
    tree = copy.deepcopy(tree)
    for _ in range(draw(st.sampled_from((1, 1, 1, 2, 3)))):
        places = list(_places(tree))
        if not places:
            return draw(json_values)
        holder, key = draw(st.sampled_from(places))
        way = draw(st.sampled_from(("near", "near", "replace", "number", "remove", "repeat")))
        value = holder[key]
        if way == "near" and isinstance(value, (int, float)) and not isinstance(value, bool):
            holder[key] = draw(
                st.sampled_from((value + 1, value - 1, value * 2, value / 2, -value))
            )
        elif way == "near" and isinstance(value, str):
            holder[key] = value + draw(st.sampled_from(ODD_TEXTS) | st.text(max_size=4))
        elif way in ("replace", "near"):
            holder[key] = draw(json_values)
        elif way == "number":
            holder[key] = draw(st.sampled_from((-1, 0, 1, 1e-300, 1e300, 2**31, 10**12, 1e999)))
        elif way == "remove":
            del holder[key]
        elif isinstance(holder, list):
            holder.extend([holder[key]] * draw(st.sampled_from((1, 1000))))
        else:
            holder[draw(st.text(max_size=8))] = holder[key]
    return tree


def _places(tree: Any) -> Any:
    items = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for key, value in list(items):
        yield tree, key
        if isinstance(value, (dict, list)):
            yield from _places(value)


@st.composite
def changed_json(draw: st.DrawFn, content: bytes) -> bytes:
    """A JSON file with changed values, or changed bytes."""
    if draw(st.integers(0, 3)) == 0:
        return draw(mutated(content))
    return json.dumps(draw(changed_tree(json.loads(content)))).encode()
