"""What a check of somebody's own data finds: errors and warnings, as a table and as JSON."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from mirzoo._support.files import printable
from mirzoo._support.words import counted
from mirzoo.errors import DataError

if TYPE_CHECKING:
    from rich.table import Table

Severity = Literal["error", "warning"]
SKIPPED = "skipped"
"""The kind of finding that lists what was left out."""

SHOWN = 3
WIDTH = 100


@dataclass(frozen=True)
class Finding:
    """One kind of thing that is wrong, and where.

    Parameters
    ----------
    kind : str
        In a word or two: "unreadable", "duplicate".
    severity : {"error", "warning"}
        Errors stop.
    what : str
        A sentence on what is wrong, and what to do.
    where : tuple of str
        The recordings, lines, labels or groups that it is about.
    bad : tuple of str
        Names of the recordings that are left out where that is asked for.
    """

    kind: str
    severity: Severity
    what: str
    where: tuple[str, ...] = ()
    bad: tuple[str, ...] = ()

    @property
    def places(self) -> str:
        """The first places, and how many more there are."""
        first = ", ".join(map(printable, self.where[:SHOWN]))
        more = len(self.where) - SHOWN
        return f"{first} and {more} more" if more > 0 else first

    def __str__(self) -> str:
        return (
            f"{self.kind}: {self.places}: {self.what}"
            if self.where
            else (f"{self.kind}: {self.what}")
        )


class Findings(Sequence[Finding]):
    """All that a check found, errors first.

    Examples
    --------
    >>> found = Findings([Finding("silent", "warning", "nothing sounds", ("a.wav",))])
    >>> len(found.errors), str(found[0])
    (0, 'silent: a.wav: nothing sounds')
    """

    def __init__(self, findings: Iterable[Finding] = ()) -> None:
        self._all = tuple(sorted(findings, key=lambda finding: finding.severity != "error"))

    def __getitem__(self, number: Any) -> Any:
        return self._all[number]

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self._all)

    def __repr__(self) -> str:
        counts = counted(len(self.errors), "error"), counted(len(self.warnings), "warning")
        return f"Findings({', '.join(counts)})"

    @property
    def errors(self) -> tuple[Finding, ...]:
        """Those that stop."""
        return tuple(finding for finding in self._all if finding.severity == "error")

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """Those that are shown."""
        return tuple(finding for finding in self._all if finding.severity == "warning")

    def count_bad(self) -> int:
        """Count the recordings that are left out where that is asked for."""
        named = (finding.bad for finding in self._all if finding.kind != SKIPPED)
        return len({name for bad in named for name in bad})

    def table(self) -> Table:
        """A table of `rich`, a finding a row."""
        from rich.table import Table
        from rich.text import Text

        table = Table("", "what", "n", "where", "", show_lines=True)
        for finding in self._all:
            colour = "red" if finding.severity == "error" else "yellow"
            table.add_row(
                Text(finding.severity, colour),
                finding.kind,
                str(len(finding.where) or ""),
                Text(finding.places, overflow="fold"),
                Text(finding.what),
            )
        return table

    def to_dict(self) -> dict[str, Any]:
        """The findings for JSON: the lists ``errors`` and ``warnings``."""
        return {
            name: [
                {"kind": f.kind, "what": f.what, "where": list(f.where), "bad": list(f.bad)}
                for f in some
            ]
            for name, some in (("errors", self.errors), ("warnings", self.warnings))
        }

    def __str__(self) -> str:
        """The table as plain text."""
        if not self._all:
            return "nothing is wrong"
        from rich.console import Console

        text = io.StringIO()
        Console(file=text, width=WIDTH, color_system=None).print(self.table())
        return text.getvalue().rstrip()

    def raise_errors(self, source: str) -> None:
        """Raise DataError with all findings where there is an error."""
        if self.errors:
            bad = self.count_bad()
            remedy = (
                f"; skip_bad=True (--skip-bad) leaves out {counted(bad, 'bad recording')}"
                if all(finding.bad for finding in self.errors)
                else ""
            )
            count = counted(len(self.errors), "error")
            raise DataError(f"the check of {source} found {count}{remedy}\n{self}")
