"""A CSV file with the columns ``path,label`` and, if wanted, ``group``.

Several labels are separated by ``;`` and paths are relative to the file's folder.
"""

from __future__ import annotations

import csv
from pathlib import Path

from mirzoo._support.guards import reading
from mirzoo.data.readers import READERS, Reader
from mirzoo.data.recordings import Recording
from mirzoo.errors import DataError

LABEL_SEPARATOR = ";"


@READERS.register
class Table(Reader):
    """Clips that a table lists."""

    name = "csv"
    forms = ("an existing .csv file",)

    def takes(self, path: Path) -> bool:
        return path.suffix.lower() == ".csv" and path.exists()

    def clips(self, words: str) -> list[Recording]:
        table = Path(words)
        as_table = (table, "table of clips in UTF-8", DataError, "its columns are path,label,group")
        with reading(*as_table), table.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            columns = set(reader.fieldnames or ())
            if not {"path", "label"} <= columns <= {"path", "label", "group"}:
                raise DataError(
                    f"'{table}' has the columns {sorted(columns)}; its first line must be "
                    "path,label or path,label,group"
                )
            rows = list(enumerate(reader, 2))
        if not rows:
            raise DataError(f"'{table}' lists no clips")
        with reading(*as_table):
            return [_clip(row, table, line) for line, row in rows]


def _clip(row: dict[str, str], table: Path, line: int) -> Recording:
    path = table.parent / (row["path"] or "")
    if not path.is_file():
        raise DataError(f"'{table}', line {line}: there is no file '{path}'")
    labels = tuple(filter(None, map(str.strip, (row["label"] or "").split(LABEL_SEPARATOR))))
    return Recording.tagged(path, labels, row.get("group") or row["path"], name=row["path"])
