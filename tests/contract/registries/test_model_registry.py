"""One contract, run over the registry in memory and over MLflow on SQLite."""

import socket
import subprocess
import sys

import numpy as np
import pytest

from tradewright.adapters.registries.memory_registry import MemoryRegistry
from tradewright.adapters.registries.mlflow_registry import MlflowRegistry
from tradewright.domain.errors import ConfigError, EdgeError, ModelError, NoDataError
from tradewright.forecasts import content_hash, create_model, load_model


class Ticking:
    """A clock that moves on by itself."""

    def __init__(self):
        self.now = 0

    def now_ns(self):
        self.now += 1_000_000
        return self.now


@pytest.fixture(params=["memory", "mlflow"])
def registry(request, tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("the registry must not use the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    if request.param == "memory":
        return MemoryRegistry(tmp_path / "registry", Ticking())
    return MlflowRegistry(tmp_path / "registry")


@pytest.fixture
def models(tmp_path):
    random = np.random.default_rng(0)
    x = random.normal(size=(200, 3))
    y = x[:, 0] + random.normal(size=200)
    folders = []
    for alpha in (1.0, 100.0):
        folder = tmp_path / f"alpha{alpha:.0f}"
        create_model("ridge", alpha=alpha).fit(x, y).save(folder)
        folders.append(folder)
    return folders


def record(registry, folder, **metrics):
    return registry.log_run(
        "demo",
        {"alpha": 1.0, "features": ["a", "b"]},
        {"ic": 0.03, "bad": float("nan"), **metrics},
        tags={"model_type": "ridge", "run_id": "r1"},
        artifacts=folder,
    )


def test_new_registry_is_empty(registry):
    assert list(registry.list_models()) == []
    with pytest.raises(NoDataError, match="no model 'demo' is registered"):
        registry.load("demo")


def test_registered_model_is_found_and_predicts_the_same(registry, models):
    made = registry.register(
        "demo", record(registry, models[0]), content_hash=content_hash(models[0])
    )
    assert (made.name, made.version, made.stage) == ("demo", "1", "CANDIDATE")
    assert made.model_type == "ridge"
    assert made.run_id == "r1"
    assert made.parameters == {"alpha": "1.0", "features": "['a', 'b']"}
    assert made.metrics == {"ic": 0.03}
    assert made.created_ns > 0
    (listed,) = registry.list_models()
    assert listed == made
    x = np.random.default_rng(1).normal(size=(5, 3))
    np.testing.assert_array_equal(
        load_model(registry.load("demo")).predict(x).mean,
        load_model(models[0]).predict(x).mean,
    )


def test_versions_count_up_and_the_newest_is_loaded(registry, models):
    for folder in models:
        registry.register("demo", record(registry, folder), content_hash=content_hash(folder))
    assert [v.version for v in registry.list_models()] == ["2", "1"]
    assert content_hash(registry.load("demo")) == content_hash(models[1])
    assert content_hash(registry.load("demo", "1")) == content_hash(models[0])
    with pytest.raises(NoDataError, match="no version '3'"):
        registry.load("demo", "3")
    with pytest.raises(NoDataError, match="did you mean 'demo'"):
        registry.load("demos")


def test_same_content_again_is_the_same_version(registry, models):
    first = registry.register(
        "demo", record(registry, models[0]), content_hash=content_hash(models[0])
    )
    again = registry.register(
        "demo", record(registry, models[0]), content_hash=content_hash(models[0])
    )
    assert again == first
    assert len(registry.list_models()) == 1


def test_other_bytes_under_a_hash_are_refused(registry, models):
    identity = record(registry, models[0])
    with pytest.raises(ModelError, match="wanted"):
        registry.register("demo", identity, content_hash=content_hash(models[1]))
    assert list(registry.list_models()) == []


def test_changed_files_are_refused_at_load(registry, models):
    registry.register("demo", record(registry, models[0]), content_hash=content_hash(models[0]))
    path = registry.load("demo") / "model.json"
    path.write_text(path.read_text().replace("ridge", "logistic"))
    with pytest.raises(ModelError, match="refused"):
        registry.load("demo")


def test_fit_without_files_cannot_be_registered(registry, tmp_path):
    identity = registry.log_run("demo", {}, {}, tags={})
    with pytest.raises(ModelError, match="missing"):
        registry.register("demo", identity, content_hash="0" * 64)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match=r"no model\.json"):
        record(registry, tmp_path / "empty")


def test_unknown_fit_is_named(registry):
    with pytest.raises(NoDataError, match="no fit 'nope'"):
        registry.register("demo", "nope", content_hash="0" * 64)


@pytest.mark.parametrize("name", ["train", "cache", "", "a/b", "../x", "a'b", "x" * 81])
def test_reserved_and_unsafe_names_are_refused(registry, models, name):
    with pytest.raises(ConfigError, match="model name"):
        registry.register(name, "id", content_hash="0" * 64)


def test_folder_can_be_moved(models, tmp_path):
    registry = MlflowRegistry(tmp_path / "registry")
    registry.register("demo", record(registry, models[0]), content_hash=content_hash(models[0]))
    (tmp_path / "registry").rename(tmp_path / "moved")
    moved = MlflowRegistry(tmp_path / "moved")
    assert moved.list_models()[0].name == "demo"
    assert moved.load("demo").is_relative_to(tmp_path / "moved")
    moved.register("demo", record(moved, models[1]), content_hash=content_hash(models[1]))
    assert content_hash(moved.load("demo")) == content_hash(models[1])
    assert not (tmp_path / "registry").exists()


WRITER = """
import sys
from pathlib import Path
from tradewright.adapters.registries.mlflow_registry import MlflowRegistry
from tradewright.forecasts import content_hash

root, folder, name = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
registry = MlflowRegistry(root)
fit = registry.log_run(name, {}, {}, tags={"model_type": "ridge"}, artifacts=folder)
registry.register(name, fit, content_hash=content_hash(folder))
"""


def test_first_writers_at_once_wait_for_each_other(tmp_path, models):
    root = tmp_path / "new"
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(root), str(models[0]), f"model{n}"],
            stderr=subprocess.PIPE,
            text=True,
        )
        for n in range(2)
    ]
    for writer in writers:
        _, err = writer.communicate(timeout=120)
        assert writer.returncode == 0, err
    found = {version.name for version in MlflowRegistry(root).list_models()}
    assert found == {"model0", "model1"}


def test_database_that_was_left_half_made_aside_is_made_anew(tmp_path, models):
    root = tmp_path / "killed"
    root.mkdir()
    (root / "mlflow.db.new").write_bytes(b"half of a database")
    registry = MlflowRegistry(root)
    assert list(registry.list_models()) == []
    identity = record(registry, models[0])
    registry.register("ridge", identity, content_hash=content_hash(models[0]))
    assert [version.name for version in registry.list_models()] == ["ridge"]


def test_damaged_registry_is_named(tmp_path, models):
    root = tmp_path / "damaged"
    root.mkdir()
    (root / "mlflow.db").write_bytes(b"this is no database, whatever its name says" * 100)
    with pytest.raises(EdgeError, match=r"damaged/mlflow\.db"):
        MlflowRegistry(root).list_models()
    with pytest.raises(EdgeError, match=r"damaged/mlflow\.db"):
        record(MlflowRegistry(root), models[0])
