"""Times of singing, from the formats in which they come."""

import numpy as np
import pytest

from mirzoo.data.sung import read_lyric_lines, read_ultrastar, sung_share
from mirzoo.errors import DataError


def test_ultrastar_notes_in_seconds(tmp_path):
    path = tmp_path / "song.txt"
    path.write_text("#TITLE:x\n#BPM:150,0\n#GAP:2000\n: 0 10 5 la\n* 20 5 7 li\n- 30\nE\n")
    expected = np.array([[0.0, 1.0], [2.0, 2.5]]) + 2.0 + 0.1
    np.testing.assert_allclose(read_ultrastar(path), expected)


def test_lyric_lines(tmp_path):
    path = tmp_path / "lines.csv"
    path.write_text('start_time,end_time,lyrics_line\n1.5,2.5,la la\n4.0,5.0,"li, li"\n')
    np.testing.assert_allclose(read_lyric_lines(path), [[1.5, 2.5], [4.0, 5.0]])


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "other.txt"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="other.txt"):
        read_lyric_lines(path)
    with pytest.raises(DataError, match="other.txt"):
        read_ultrastar(path)


def test_overlapping_stretches_count_once():
    share = sung_share(np.array([[0.0, 2.0], [1.0, 2.0], [5.0, 9.0]]), np.array([0.0, 4.0]), 4.0)
    np.testing.assert_allclose(share, [0.5, 0.75])
