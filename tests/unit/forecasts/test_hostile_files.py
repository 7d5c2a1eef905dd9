"""A corpus of hostile model files: each is refused by content, before anything runs or hangs."""

import gzip
import hashlib
import io
import json
import os
import pickle
import shutil
import zipfile
import zlib
from pathlib import Path

import joblib
import numpy as np
import pytest

from tradewright.domain.errors import ModelError
from tradewright.forecasts import create_model, load_model
from tradewright.forecasts.safe_files import write_arrays

RAN = []


class Bomb:
    def __reduce__(self):
        return (RAN.append, ("ran",))


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """One good folder per kind of file."""
    random = np.random.default_rng(0)
    x = random.normal(size=(200, 3))
    y = x[:, 0] + random.normal(size=200)
    root = tmp_path_factory.mktemp("models")
    small = {"lightgbm": {"rounds": 3}, "xgboost": {"rounds": 3}, "random_forest": {"n_trees": 3}}
    for kind in ("ridge", "random_forest", "lightgbm", "xgboost", "momentum"):
        create_model(kind, **small.get(kind, {})).fit(x, y).save(root / kind)
    create_model("ensemble", sizes=[3, 3]).fit(x, y).save(root / "ensemble")
    return root


DATA = {
    "ridge": "coefficients.json",
    "random_forest": "trees.npz",
    "lightgbm": "booster.txt",
    "xgboost": "booster.json",
    "momentum": "state.json",
    "ensemble": "weights.json",
}


def joblib_bytes(**how):
    buffer = io.BytesIO()
    joblib.dump({"a": Bomb()}, buffer, **how)
    return buffer.getvalue()


def zip_of(**entries):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def object_npz():
    buffer = io.BytesIO()
    np.savez(buffer, left=np.array([Bomb()], dtype=object))
    return buffer.getvalue()


FOREIGN = {
    **{f"pickle protocol {p}": pickle.dumps(Bomb(), protocol=p) for p in range(6)},
    "pickled dict 0": pickle.dumps({"format": "tradewright-model/1"}, protocol=0),
    "joblib": joblib_bytes(),
    "joblib zlib": joblib_bytes(compress=("zlib", 3)),
    "joblib gzip": joblib_bytes(compress=("gzip", 3)),
    "joblib bz2": joblib_bytes(compress=("bz2", 3)),
    "joblib xz": joblib_bytes(compress=("xz", 3)),
    "gzip of a pickle": gzip.compress(pickle.dumps(Bomb())),
    "zlib of a pickle": zlib.compress(pickle.dumps(Bomb())),
    "torch archive": zip_of(**{"archive/data.pkl": pickle.dumps(Bomb()), "archive/version": b"3"}),
    "object array": object_npz(),
    "bare npy": b"\x93NUMPY\x01\x00",
    "hdf5": b"\x89HDF\r\n\x1a\n" + b"\0" * 64,
    "shell script": b"#!/bin/sh\nexit 0\n",
    "program": b"\x7fELF" + b"\0" * 64,
    "empty": b"",
    "one zero": b"\0",
    "html": b"<!doctype html><p>404",
    "random": bytes(np.random.default_rng(1).integers(0, 256, 999, dtype=np.uint8)),
    "utf-16 json": '{"format": 1}'.encode("utf-16"),
    "deep json": b'{"a":' * 100_000,
    "json list": b"[]",
    "json nan": b'{"coefficients": [[NaN]]}',
    "yaml": b"format: tradewright-model/1\n",
}


def rewritten(stored, tmp_path, kind, name, data):
    """A copy of a good folder with one file replaced, and the hash made to fit again."""
    folder = tmp_path / "m"
    shutil.copytree(stored / kind, folder)
    (folder / name).write_bytes(data)
    if name != "model.json":
        main = json.loads((folder / "model.json").read_text())
        main["files"][name] = hashlib.sha256(data).hexdigest()
        (folder / "model.json").write_text(json.dumps(main))
    return folder


@pytest.mark.parametrize("what", FOREIGN)
@pytest.mark.parametrize("kind", [*DATA, "main"])
def test_foreign_content_is_refused(stored, tmp_path, kind, what):
    name = "model.json" if kind == "main" else DATA[kind]
    folder = rewritten(stored, tmp_path, "ridge" if kind == "main" else kind, name, FOREIGN[what])
    with pytest.raises(ModelError):
        load_model(folder)
    assert RAN == []


def edited(change):
    def apply(document):
        change(document)
        return document

    return apply


DOCUMENTS = {
    "path upwards": lambda d: d["files"].update({"../../secret.json": "0" * 64}),
    "absolute path": lambda d: d["files"].update({"/etc/hostname": "0" * 64}),
    "pickle name": lambda d: d["files"].update({"model.pkl": "0" * 64}),
    "unknown type": lambda d: d.update(type="lightgmb"),
    "type of a list": lambda d: d.update(type=["ridge"]),
    "other format": lambda d: d.update(format="tradewright-model/9"),
    "no features": lambda d: d.update(features=[]),
    "numbers as features": lambda d: d.update(features=[1, 2, 3]),
    "fewer features": lambda d: d.update(features=["x0"]),
    "settings with code": lambda d: d["settings"].update(__reduce__="os.system"),
    "settings of wrong type": lambda d: d["settings"].update(seed="1"),
    "missing key": lambda d: d.pop("classes"),
    "missing file": lambda d: d["files"].clear(),
    "wrong hash": lambda d: d["files"].update({"coefficients.json": "0" * 64}),
    "classes of text": lambda d: d.update(classes=["buy"]),
}


@pytest.mark.parametrize("what", DOCUMENTS)
def test_hostile_document_is_refused(stored, tmp_path, what):
    document = json.loads((stored / "ridge" / "model.json").read_text())
    DOCUMENTS[what](document)
    folder = rewritten(stored, tmp_path, "ridge", "model.json", json.dumps(document).encode())
    with pytest.raises(ModelError):
        load_model(folder)


def test_links_are_not_followed(stored, tmp_path):
    folder = rewritten(stored, tmp_path, "ridge", "model.json", b"{}")
    (folder / "model.json").unlink()
    os.symlink(stored / "ridge" / "model.json", folder / "model.json")
    with pytest.raises(ModelError, match="not a regular file"):
        load_model(folder)


def test_changed_byte_is_found(stored, tmp_path):
    folder = tmp_path / "m"
    shutil.copytree(stored / "lightgbm", folder)
    text = (folder / "booster.txt").read_text()
    (folder / "booster.txt").write_text(text.replace("leaf_value=", "leaf_value=1", 1))
    with pytest.raises(ModelError, match="differs from the hash"):
        load_model(folder)


def forest_arrays(stored):
    with np.load(stored / "random_forest" / "trees.npz", allow_pickle=False) as archive:
        return {name: archive[name].copy() for name in archive.files}


@pytest.mark.parametrize(
    ("name", "position", "value"),
    [
        ("left", 0, 30_000),  # outside
        ("right", 0, -5),
        ("right", 0, 0),  # back to itself: would never end
        ("feature", 0, 3),
        ("feature", 0, -1),
        ("root", 1, 10**9),
        ("root", 0, 5),
        ("output", 0, 7),
        ("value", 2, np.inf),
    ],
)
def test_trees_that_lead_astray_are_refused(stored, tmp_path, name, position, value):
    arrays = forest_arrays(stored)
    arrays[name][position] = value
    data = write_arrays(arrays)
    folder = rewritten(stored, tmp_path, "random_forest", "trees.npz", data)
    with pytest.raises(ModelError):
        load_model(folder)


def test_compressed_array_is_refused(stored, tmp_path):
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **forest_arrays(stored))
    folder = rewritten(stored, tmp_path, "random_forest", "trees.npz", buffer.getvalue())
    with pytest.raises(ModelError, match="compressed"):
        load_model(folder)


def test_array_header_that_claims_too_much_is_refused(stored, tmp_path):
    with zipfile.ZipFile(stored / "random_forest" / "trees.npz") as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    part = entries["left.npy"]
    at, grown = part.index(b"("), b"(1000000000000000,), }"
    entries["left.npy"] = part[:at] + grown + part[at + len(grown) :]
    folder = rewritten(stored, tmp_path, "random_forest", "trees.npz", zip_of(**entries))
    with pytest.raises(ModelError, match="header claims"):
        load_model(folder)


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("left_child", "0"),  # back to itself
        ("right_child", "99"),
        ("left_child", "-99"),
        ("split_feature", "3"),
        ("split_feature", "-1"),
        ("leaf_value", "nan"),
        ("num_leaves", "1000000"),
        ("num_cat", "1"),
        ("threshold", ""),
    ],
)
def test_lightgbm_text_that_leads_astray_is_refused(stored, tmp_path, field, values):
    lines = (stored / "lightgbm" / "booster.txt").read_text().splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith(f"{field}="))
    old = lines[at].split("=")[1].split()
    lines[at] = f"{field}=" + " ".join([values, *old[1:]]).strip()
    folder = rewritten(
        stored, tmp_path, "lightgbm", "booster.txt", ("\n".join(lines) + "\n").encode()
    )
    with pytest.raises(ModelError, match="tree 0 is malformed"):
        load_model(folder)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("left_children", 0),
        ("right_children", 10**6),
        ("split_indices", 3),
        ("split_indices", -1),
    ],
)
def test_xgboost_json_that_leads_astray_is_refused(stored, tmp_path, field, value):
    document = json.loads((stored / "xgboost" / "booster.json").read_text())
    document["learner"]["gradient_booster"]["model"]["trees"][0][field][0] = value
    folder = rewritten(stored, tmp_path, "xgboost", "booster.json", json.dumps(document).encode())
    with pytest.raises(ModelError, match="tree 0 is malformed"):
        load_model(folder)


def test_loading_the_wrong_kind_is_refused(stored):
    with pytest.raises(ModelError, match="holds a ridge model, wanted lightgbm"):
        create_model("lightgbm").load(stored / "ridge")


def test_missing_folder_is_named(tmp_path):
    with pytest.raises(ModelError, match="missing"):
        load_model(Path(tmp_path) / "nowhere")
