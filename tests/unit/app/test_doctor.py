"""Doctor names what is wrong and how to mend it."""

import socket

from tradewright.app import doctor
from tradewright.app.settings import Api, Paths, Settings


def settings_for(folder, port=0) -> Settings:
    return Settings(paths=Paths(data_dir=folder), api=Api(port=port or 8000))


def test_a_data_directory_that_is_a_file_fails_with_the_fix(tmp_path):
    place = tmp_path / "data"
    place.write_text("not a folder")
    check = doctor._data_dir(place)
    assert check.state == "failed"
    assert "--data-dir" in check.fix


def test_a_port_in_use_names_the_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        check = doctor._port("127.0.0.1", port)
    assert check.state == "optional"
    assert str(port) in check.found


def test_a_missing_library_is_named():
    check = doctor._libraries({"": ["numpy", "no-such-library"]})
    assert (check.state, check.found) == ("failed", "missing: no-such-library")
    assert check.fix == "make setup"


def test_every_library_of_the_core_is_looked_at():
    core = doctor._requirements()[""]
    assert {"numpy", "optuna", "ta-lib", "pydantic", "structlog"} <= set(core)
    assert "yfinance" not in core
    assert doctor._libraries({"": core}).state == "ok"


def test_a_library_that_is_there_and_does_not_load_is_named(tmp_path, monkeypatch):
    (tmp_path / "broken_parts.py").write_text("raise OSError('libgomp.so.1: cannot open')")
    monkeypatch.syspath_prepend(str(tmp_path))
    check = doctor._loading(["math", "broken_parts"])
    assert check.state == "failed"
    assert "broken_parts: libgomp.so.1" in check.found
    assert "libgomp1" in check.fix


def test_an_extra_that_is_missing_is_optional_and_names_its_command():
    wanted = {"": [], "feeds": ["yfinance-not-here"], "dev": ["pytest-not-here"]}
    (check,) = doctor._extras(wanted)
    assert (check.state, check.fix) == ("optional", "pip install 'tradewright[feeds]'")


def test_too_little_disk_fails(monkeypatch, tmp_path):
    monkeypatch.setattr(doctor, "MIN_FREE_BYTES", 1 << 60)
    assert doctor._free_disk(tmp_path / "not" / "there").state == "failed"
