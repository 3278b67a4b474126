"""The fuzz campaign: ``make fuzz``, or ``python tests/fuzz --help``."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(folder) for folder in (HERE, HERE.parent / "helpers", HERE.parents[1])]

import campaign  # noqa: E402
from kinds import KINDS  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(prog="python tests/fuzz", description=__doc__)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=f"of {', '.join(KINDS)}; all")
    parser.add_argument("--cases", type=int, default=1000, help="of each kind (1000)")
    parser.add_argument("--seed", type=int, default=0, help="of the first cases (0)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--keep", type=Path, default=Path("fuzz-findings"), help="findings' folder")
    parser.add_argument("--reproduce", type=Path, nargs="+", help="folders of findings to judge")
    parser.add_argument("--atheris", metavar="KIND", help="guided by coverage, until interrupted")
    given = parser.parse_args()
    unknown = set(given.kinds) - set(KINDS)
    if unknown:
        parser.error(f"no kind {', '.join(sorted(unknown))}; there are {', '.join(KINDS)}")
    if given.reproduce:
        return max(map(reproduce, given.reproduce))
    if given.atheris:
        return with_atheris(given.atheris)
    found = 0
    for name in given.kinds or KINDS:
        print(f"{name}: {given.cases} cases, seed {given.seed}", flush=True)
        report = campaign.run(
            KINDS[name], cases=given.cases, seed=given.seed, jobs=given.jobs, keep=given.keep,
            say=lambda text: print(f"  {text}", flush=True),
        )  # fmt: skip
        print(report, flush=True)
        found += len(report.findings)
    return min(found, 1)


def reproduce(finding: Path) -> int:
    """Judge a kept finding again, in this process: 0 where its outcome is right now."""
    with tempfile.TemporaryDirectory() as folder:
        case = Path(shutil.copytree(finding, Path(folder, finding.name)))
        (case / campaign.OUTCOME_FILE).unlink(missing_ok=True)
        outcome = campaign.judged(KINDS[finding.name.split("-")[0]], case)
    print(f"{finding}: {outcome}")
    return int("FINDING" in outcome)


def with_atheris(name: str) -> int:
    """Let atheris choose the cases of a kind by what code they reach."""
    import atheris
    import hypothesis

    with atheris.instrument_imports(include=["mirzoo"]):
        import mirzoo.hub  # noqa: F401
    kind = KINDS[name]
    folder = Path(tempfile.mkdtemp(prefix="mirzoo-fuzz-"))
    (folder / "seeds").mkdir()
    kind.prepare(folder / "seeds")

    @hypothesis.given(kind.strategy(folder / "seeds"))
    @hypothesis.settings(database=None, deadline=None)
    def judge(files: dict[str, bytes]) -> None:
        case = folder / f"{name}-case"
        shutil.rmtree(case, ignore_errors=True)
        campaign.write_case(case, files)
        outcome = campaign.judged(kind, case)
        if "FINDING" in outcome:
            raise AssertionError(f"{case}: {outcome}")

    kind.warm()
    print(f"what ends it is kept in {folder}", flush=True)
    atheris.Setup([sys.argv[0], f"-artifact_prefix={folder}/"], judge.hypothesis.fuzz_one_input)
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
