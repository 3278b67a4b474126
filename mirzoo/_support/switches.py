"""Switches: parameters that are either True or False, and nothing that Python counts as either."""

from __future__ import annotations

from collections.abc import Mapping

from mirzoo.errors import MirzooError


def require_switches(
    kind: type[MirzooError], *, optional: Mapping[str, object] = {}, **switches: object
) -> None:
    """Raise an error where a switch is neither True nor False: ``"no"`` would count as True.

    Parameters
    ----------
    kind : class
        Of the error.
    optional : mapping of str to value
        Switches that may be None.
    **switches
        Others, by name.

    Examples
    --------
    >>> from mirzoo.errors import AnnotationError
    >>> require_switches(AnnotationError, careful=True, snap=False)
    >>> require_switches(AnnotationError, careful="yes")
    Traceback (most recent call last):
    mirzoo.errors.AnnotationError: careful is 'yes'; allowed are True and False
    """
    for name, value in {**optional, **switches}.items():
        of_numpy = (
            str(getattr(value, "dtype", "")) == "bool" and getattr(value, "shape", None) == ()
        )
        if isinstance(value, bool) or of_numpy:
            continue
        if name not in optional:
            raise kind(f"{name} is {value!r}; allowed are True and False")
        if value is not None:
            raise kind(f"{name} is {value!r}; allowed are True, False and None")
