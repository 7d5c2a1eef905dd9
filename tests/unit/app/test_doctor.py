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


def test_a_missing_library_is_named(monkeypatch):
    monkeypatch.setattr(doctor, "CORE_LIBRARIES", ("numpy", "no-such-library"))
    check = doctor._libraries()
    assert (check.state, "no-such-library" in check.found) == ("failed", True)


def test_too_little_disk_fails(monkeypatch, tmp_path):
    monkeypatch.setattr(doctor, "MIN_FREE_BYTES", 1 << 60)
    assert doctor._free_disk(tmp_path / "not" / "there").state == "failed"
