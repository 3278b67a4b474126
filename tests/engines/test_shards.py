"""A catalogue in shards: each path in one of results and dead letters, whatever happens."""

import doctest
import errno
import hashlib
import inspect
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from fake_models import TFLITE, make_card
from places import ROOT

from mirzoo.engines import ray, shards
from mirzoo.engines.batch import annotate_many
from mirzoo.engines.embedding import EmbeddingSetup
from mirzoo.engines.one_file import Setup
from mirzoo.engines.shards import Catalogue, Shard, Worker, find
from mirzoo.engines.vectors import escaped
from mirzoo.errors import CardError, DataError

RATE = 16000
HELPERS = ROOT / "tests" / "helpers"
ENGINES = [
    pytest.param(
        name,
        marks=pytest.mark.skipif(find_spec(package) is None, reason=f"needs the extra `{name}`"),
    )
    for name, package in {"beam": "apache_beam", "ray": "ray"}.items()
]


@pytest.fixture
def model(tmp_path):
    folder = tmp_path / "models" / "loud_tagger"
    folder.mkdir(parents=True)
    content = TFLITE.read_bytes()
    (folder / "model.tflite").write_bytes(content)
    files = {"model.tflite": hashlib.sha256(content).hexdigest()}
    make_card("loud_tagger").updated(files=files).save(folder)
    return os.fspath(folder)


def make_music(folder, count=8, seconds=0.3):
    folder.mkdir()
    for seed in range(count):
        samples = np.random.default_rng(seed).uniform(-0.5, 0.5, round(seconds * RATE))
        soundfile.write(folder / f"{seed:03}.wav", samples, RATE)
    (folder / "bad.ogg").write_bytes(b"OggS but no more")
    (folder / "empty.wav").write_bytes(b"")
    return {escaped(os.fspath(path.absolute())) for path in folder.iterdir()}


def require_each_once(catalogue, paths, bad=("bad.ogg", "empty.wav")):
    """Compare as sets and by count."""
    written = list(catalogue.written())
    dead = [letter["path"] for letter in catalogue.dead_letters()]
    assert sorted([*written, *dead]) == sorted(paths)
    assert {Path(path).name for path in dead} == set(bad)
    assert all(letter["kind"] and letter["message"] for letter in catalogue.dead_letters())


@pytest.mark.parametrize("kind", ["annotations", "embeddings"])
@pytest.mark.parametrize("format", ["jsonl", "parquet"])
def test_each_path_is_in_one_of_results_and_dead_letters(
    kind, format, model, tmp_path, monkeypatch
):
    if format == "parquet":
        pytest.importorskip("pyarrow")
    paths = make_music(tmp_path / "music", 3)
    setup = Setup((model,), report="json") if kind == "annotations" else EmbeddingSetup((model,))
    catalogue = Catalogue(os.fspath(tmp_path / "out"), setup, format)
    catalogue.open()
    monkeypatch.setattr(shards, "FEWEST_SHARDS", 1)
    [shard], there = catalogue.plan(find([tmp_path / "music" / "*"]))
    assert there == 0
    assert set(shard.paths) == paths
    worker = Worker(catalogue)
    first = worker.do(shard)
    assert (first["files_done"], first["files_failed"], first["audio_ms"]) == (3, 2, 900)
    require_each_once(catalogue, paths)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.*")}
    assert worker.do(shard) == {"files_there": 5, "files_done": 0, "files_failed": 0}
    assert catalogue.plan(find([tmp_path / "music"])) == ([], 5)
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.*")}
    catalogue.output(shard.name).unlink()  # as after a kill between the two files
    (tmp_path / "music" / "empty.wav").write_bytes((tmp_path / "music" / "000.wav").read_bytes())
    worker.do(shard)
    worker.close()
    require_each_once(catalogue, paths)


def test_other_settings_are_refused(model, tmp_path):
    Catalogue(os.fspath(tmp_path / "out"), Setup((model,)), "jsonl").open()
    with pytest.raises(DataError, match="allow_damaged False, and these would have True"):
        Catalogue(os.fspath(tmp_path / "out"), Setup((model,), allow_damaged=True), "jsonl").open()
    with pytest.raises(DataError, match="'annotations', and these would have 'embeddings'"):
        Catalogue(os.fspath(tmp_path / "out"), EmbeddingSetup((model,)), "jsonl").open()
    with pytest.raises(DataError, match="allowed are parquet, jsonl"):
        Catalogue("out", Setup((model,)), "csv")
    with pytest.raises(DataError, match="a file system that every worker has mounted"):
        Catalogue("gs://bucket/out", Setup((model,)), "jsonl")
    for folder in ("gs://bucket/out", Path("s3://bucket/out")):
        for of in (Catalogue.of_annotations, Catalogue.of_embeddings):
            with pytest.raises(DataError, match="a file system that every worker has mounted"):
                of(model, folder, format="jsonl")


@pytest.mark.parametrize("given", [{"lag_s": 0.5}, {"decoding": {"lag_s": 0.5}}], ids=str)
def test_settings_of_the_decoding_are_given_as_to_annotate_many(given, tmp_path):
    models = ["cqt_crnn_chords", "mel_cnn_tagger"]
    catalogue = Catalogue.of_annotations(models, tmp_path, format="jsonl", **given)
    assert catalogue.setup.decodings == ({"lag_s": 0.5}, {})
    with pytest.raises(CardError, match="'change' .*'mel_cnn_tagger' has no settings"):
        Catalogue.of_annotations(models, tmp_path, format="jsonl", change=1, **given)
    with pytest.raises(CardError, match="given twice"):
        Catalogue.of_annotations(models, tmp_path, lag_s=1, decoding={"lag_s": 0.5})
    parameters = [
        inspect.signature(call).parameters for call in (annotate_many, Catalogue.of_annotations)
    ]
    assert all(name in each for each in parameters for name in ("decoding", "settings"))


def test_damaged_files_of_a_folder_are_named(model, tmp_path):
    out = tmp_path / "out"
    catalogue = Catalogue(os.fspath(out), Setup((model,), report="json"), "jsonl")
    catalogue.open()
    for folder, line in {"dead_letters": "{}", "output": '{"path": 1}'}.items():
        damaged = out / folder / "one.jsonl"
        damaged.write_text(line + "\n")
        with pytest.raises(DataError, match=r"one\.jsonl is damaged.*remove it"):
            catalogue.plan(["/music/a.wav"])
        damaged.unlink()
    (out / "catalogue.json").write_text("[]")
    with pytest.raises(DataError, match=r"catalogue\.json is damaged.*take a new folder"):
        catalogue.open()


@pytest.mark.slow
def test_the_run_that_began_last_is_the_one_that_writes(model, tmp_path):
    paths = make_music(tmp_path / "music", 2)
    former, current = (
        Catalogue(os.fspath(tmp_path / "out"), Setup((model,), report="json"), "jsonl")
        for _ in range(2)
    )
    former.open()
    plan = former.plan(find([tmp_path / "music"]))
    worker = Worker(former)
    worker.do(plan.shards[0])
    began = worker._one

    def another_begins(*args):
        current.open()
        return began(*args)

    worker._one = another_begins  # in the middle of the second shard
    with pytest.raises(DataError, match="another run has begun"):
        worker.do(plan.shards[1])
    worker.close()
    assert len(list(current.written())) + len(list(current.dead_letters())) == 1
    plan = current.plan(find([tmp_path / "music"]))
    assert plan.there == 1
    worker = Worker(current)
    for shard in plan.shards:
        worker.do(shard)
    worker.close()
    require_each_once(current, paths)


@pytest.mark.slow
def test_what_failed_is_done_again_where_it_is_asked_for(model, tmp_path):
    paths = make_music(tmp_path / "music", 2)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "none.wav").touch()

    def run(*folders, **settings):
        catalogue = Catalogue(
            os.fspath(tmp_path / "out"), Setup((model,), report="json"), "jsonl", **settings
        )
        catalogue.open()
        worker = Worker(catalogue)
        plan = catalogue.plan(find(tmp_path / name for name in folders), 3)
        for shard in plan.shards:
            worker.do(shard)
        worker.close()
        return catalogue, plan.there

    run("music", "elsewhere")
    (tmp_path / "music" / "empty.wav").write_bytes((tmp_path / "music" / "000.wav").read_bytes())
    catalogue, there = run("music")
    assert there == 4
    paths = [*paths, *find([tmp_path / "elsewhere"])]
    require_each_once(catalogue, paths, ["bad.ogg", "empty.wav", "none.wav"])
    for _ in range(2):
        catalogue, there = run("music", retry_failed=True)
        require_each_once(catalogue, paths, ["bad.ogg", "none.wav"])
    assert there == 3


def test_two_programs_wait_for_each_other(model, tmp_path, caplog):
    first, second = (
        Catalogue(os.fspath(tmp_path / "out"), Setup((model,)), "jsonl") for _ in range(2)
    )
    began = threading.Event()

    def run():
        with second.alone():
            began.set()

    thread = threading.Thread(target=run)
    with first.alone():
        thread.start()
        while not caplog.records:
            time.sleep(0.01)
        assert not began.is_set() and "waiting for another run" in caplog.text
    thread.join()
    assert began.is_set()


def test_a_folder_without_locks_is_refused(model, tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))

    monkeypatch.setattr("fcntl.flock", refuse)
    catalogue = Catalogue(os.fspath(tmp_path / "out"), Setup((model,)), "jsonl")
    with pytest.raises(DataError, match="cannot be locked"):
        catalogue.open()


def test_what_is_found(tmp_path):
    paths = make_music(tmp_path / "music", 2)
    (tmp_path / "music" / "a[1].wav").touch()
    assert set(find([tmp_path / "music" / "00*.wav"])) < paths
    assert list(find([tmp_path / "music" / "a[1].wav"])) == [str(tmp_path / "music" / "a[1].wav")]
    with pytest.raises(DataError, match="matches no file"):
        list(find([tmp_path / "music" / "*.mp3"]))
    assert Shard.of(["b", "a"]).name == Shard.of(["a", "b"]).name != Shard.of(["a"]).name


PROGRAMS = {
    "beam": """
        import sys
        import apache_beam as beam
        from apache_beam.options.pipeline_options import PipelineOptions
        from mirzoo.engines.beam import Annotate, Embed
        if __name__ == "__main__":
            transform, model, music, out = sys.argv[1:]
            options = PipelineOptions(
                direct_running_mode="multi_processing", direct_num_workers=2
            )
            pipeline = beam.Pipeline(runner="DirectRunner", options=options)
            pipeline | globals()[transform](model, music, out, format="jsonl", shard_files=4)
            pipeline.run().wait_until_finish()
    """,
    "ray": """
        import sys
        from mirzoo.engines import ray
        transform, model, music, out = sys.argv[1:]
        run = {"Annotate": ray.annotate, "Embed": ray.embed}[transform]
        run(model, music, out, workers=2, format="jsonl", shard_files=4)
    """,
}


def start(engine, tmp_path, transform, model):
    program = tmp_path / f"{engine}_program.py"
    program.write_text(textwrap.dedent(PROGRAMS[engine]))
    with (tmp_path / "log").open("w") as log:
        return subprocess.Popen(
            [sys.executable, program, transform, model, tmp_path / "music", tmp_path / "out"],
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )


def descendants(process):
    """All processes below one."""
    found = []
    for path in Path(f"/proc/{process}/task").glob("*/children"):
        for child in map(int, path.read_text().split()):
            found += [child, *descendants(child)]
    return found


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("transform", ["Annotate", "Embed"])
def test_an_engine_that_is_killed_and_started_again_does_each_once(
    engine, transform, model, tmp_path
):
    paths = make_music(tmp_path / "music", 38, seconds=4.0)
    setup = Setup((model,), report="json") if transform == "Annotate" else EmbeddingSetup((model,))
    catalogue = Catalogue(os.fspath(tmp_path / "out"), setup, "jsonl")
    process = start(engine, tmp_path, transform, model)
    while process.poll() is None and not list(catalogue.written()):
        time.sleep(0.02)
    process.kill()  # alone: what its workers still do must not be written
    process.wait()
    partial = list(catalogue.written())
    assert 0 < len(partial) < 38
    assert len(set(partial)) == len(partial)
    for _ in range(2):  # the second adds nothing
        process = start(engine, tmp_path, transform, model)
        assert process.wait() == 0, (tmp_path / "log").read_text()
        require_each_once(catalogue, paths)


@pytest.mark.slow
@pytest.mark.skipif(find_spec("ray") is None, reason="needs the extra `ray`")
def test_a_worker_of_ray_that_is_killed_is_replaced(model, tmp_path):
    paths = make_music(tmp_path / "music", 38, seconds=4.0)
    catalogue = Catalogue(os.fspath(tmp_path / "out"), Setup((model,)), "jsonl")
    process = start("ray", tmp_path, "Annotate", model)
    while process.poll() is None and not list(catalogue.written()):
        time.sleep(0.02)
    actors = [
        child
        for child in descendants(process.pid)
        if b"ray::_Actor" in Path(f"/proc/{child}/cmdline").read_bytes()
    ]
    priorities = [os.getpriority(os.PRIO_PROCESS, one) for one in (actors[0], process.pid)]
    assert priorities[0] <= priorities[1]  # Ray's own default lets all other programs come first
    os.kill(actors[0], signal.SIGKILL)
    assert process.wait() == 0, (tmp_path / "log").read_text()
    require_each_once(catalogue, paths)


@pytest.mark.slow
@pytest.mark.skipif(find_spec("ray") is None, reason="needs the extra `ray`")
def test_a_machine_of_a_cluster_that_is_lost_costs_nothing(model, tmp_path, monkeypatch):
    from ray.cluster_utils import Cluster

    paths = make_music(tmp_path / "music", 38, seconds=4.0)
    catalogue = Catalogue(os.fspath(tmp_path / "out"), Setup((model,)), "jsonl")
    for name, value in {**ray.SETTINGS, "PYTHONPATH": os.pathsep.join(sys.path)}.items():
        monkeypatch.setenv(name, value)
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    try:
        machine = cluster.add_node(num_cpus=1)
        cluster.wait_for_nodes()
        monkeypatch.setenv("RAY_ADDRESS", cluster.address)
        process = start("ray", tmp_path, "Annotate", model)
        while process.poll() is None and not list(catalogue.written()):
            time.sleep(0.02)
        cluster.remove_node(machine, allow_graceful=False)
        assert process.wait(timeout=300) == 0, (tmp_path / "log").read_text()
    finally:
        cluster.shutdown()
    require_each_once(catalogue, paths)


def test_a_cluster_that_does_not_start_is_an_error(monkeypatch):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    for name in ray.SETTINGS:
        monkeypatch.setenv(name, "0")
    ended = []

    def init(*_, **__):
        raise Exception("The current node timed out during startup.")

    fake = SimpleNamespace(init=init, shutdown=lambda: ended.append(True))
    with pytest.raises(DataError, match="did not start on this machine.*timed out"):
        ray._start(fake, 2)
    assert ended


def test_a_cluster_that_does_not_answer_is_an_error_at_once(monkeypatch):
    """Ray would try for a quarter of an hour."""
    tries = "RAY_gcs_server_port_wait_time_s"
    monkeypatch.delenv(tries, raising=False)
    joined = []
    fake = SimpleNamespace(
        init=lambda **_: joined.append(os.environ.get(tries)),
        util=SimpleNamespace(get_node_ip_address=lambda: "127.0.0.2"),
    )
    with socket.create_server(("127.0.0.2", 0)) as server:  # not 127.0.0.1
        port = server.getsockname()[1]
        for address in (f"127.0.0.2:{port}", f"ray://localhost:{port}", "auto"):
            monkeypatch.setenv("RAY_ADDRESS", address)
            ray._start(fake, 2)
    assert joined == ["3"] * 3 and tries not in os.environ
    for address in (f"127.0.0.1:{port}", f"ray://127.0.0.1:{port}", "127.0.0.1:66666"):
        monkeypatch.setenv("RAY_ADDRESS", address)
        with pytest.raises(DataError, match=f"RAY_ADDRESS={address} .*; state the address"):
            ray._start(fake, 2)
    assert len(joined) == 3


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_a_file_that_ends_a_process_or_takes_too_long_costs_itself_alone(engine, model, tmp_path):
    paths = make_music(tmp_path / "music", 6)
    for name in ("segv", "killed", "hang", "bug"):
        (tmp_path / "music" / f"{name}.wav").write_bytes(
            (tmp_path / "music" / "000.wav").read_bytes()
        )
        paths.add(escaped(os.fspath(tmp_path / "music" / f"{name}.wav")))
    arguments = ["catalogue", "annotate", model, tmp_path / "music", "-o", tmp_path / "out"]
    options = ["--engine", engine, "--workers", "2", "--timeout", "3", "--format", "jsonl"]
    ended = subprocess.run(
        [sys.executable, "-m", "mirzoo", "--import", "trap_plugin", *arguments, *options],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([*sys.path, str(HELPERS)])},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 1 and "6 done" in ended.stderr, ended.stderr
    catalogue = Catalogue(os.fspath(tmp_path / "out"), Setup((model,)), "jsonl")
    bad = ["bad.ogg", "bug.wav", "empty.wav", "hang.wav", "killed.wav", "segv.wav"]
    require_each_once(catalogue, paths, bad)
    kinds = {Path(letter["path"]).stem: letter["kind"] for letter in catalogue.dead_letters()}
    assert kinds == {
        "bad": "AudioError", "empty": "AudioError", "bug": "ZeroDivisionError",
        "hang": "Timeout", "killed": "WorkerDied", "segv": "WorkerDied",
    }  # fmt: skip


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ImportWarning")
@pytest.mark.skipif(find_spec("apache_beam") is None, reason="needs the extra `beam`")
def test_examples_of_beam():
    from mirzoo.engines import beam

    found = doctest.testmod(beam, raise_on_error=True)
    assert found.attempted and not found.failed
