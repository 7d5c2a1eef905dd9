"""Settings: precedence, every mistake at once, sources."""

from pathlib import Path

import pytest

from tradewright.app.settings import Settings, known_keys, load_settings
from tradewright.domain.errors import ConfigError


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def write(path: str, text: str) -> Path:
    file = Path(path)
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    return file


def test_defaults_need_no_configuration():
    loaded = load_settings({})
    assert loaded.values == Settings()
    assert loaded.sources == {}


def test_environment_beats_files_and_files_beat_defaults():
    write("config/settings.yaml", "api:\n  port: 8100\n  host: 127.0.0.2\n")
    write("config/local.yaml", "api:\n  port: 8200\n")
    from_files = load_settings({})
    assert (from_files.values.api.port, from_files.values.api.host) == (8200, "127.0.0.2")
    assert from_files.sources["api.port"] == "config/local.yaml:2"
    over = load_settings({"API_PORT": "8300"})
    assert over.values.api.port == 8300
    assert load_settings({"API_PORT": "1", "TRADEWRIGHT_API__PORT": "8400"}).values.api.port == 8400


def test_config_file_replaces_the_usual_files():
    write("config/settings.yaml", "api:\n  port: 8100\n")
    only = write("mine.yaml", "api:\n  host: 127.0.0.3\n")
    loaded = load_settings({"CONFIG_FILE": str(only)})
    assert (loaded.values.api.host, loaded.values.api.port) == ("127.0.0.3", 8000)


def test_all_mistakes_are_reported_at_once_with_file_and_line():
    write("config/settings.yaml", "api:\n  prt: 1\n  port: many\nlogging:\n  level: loud\n")
    with pytest.raises(ConfigError) as caught:
        load_settings({"TRADEWRIGHT_PATHS__DATADIR": "x"})
    text = str(caught.value)
    assert "settings.yaml:2: unknown key 'api.prt'; did you mean 'api.port'?" in text
    assert "settings.yaml:3: api.port is 'many'" in text
    assert "settings.yaml:5: logging.level is 'loud'" in text
    assert "TRADEWRIGHT_PATHS__DATADIR" in text


@pytest.mark.parametrize("text", ["- a list", "a: b: c", "api: [1, 2", "!!python/object:os.x {}"])
def test_files_that_are_not_plain_settings_are_refused(text):
    file = write("bad.yaml", text)
    with pytest.raises(ConfigError, match=r"bad\.yaml"):
        load_settings({"CONFIG_FILE": str(file)})


def test_a_config_file_that_does_not_exist_is_named():
    with pytest.raises(ConfigError, match=r"nowhere\.yaml"):
        load_settings({"CONFIG_FILE": "nowhere.yaml"})


def test_every_setting_has_a_description():
    missing = []
    for key in known_keys():
        model, field = Settings, None
        for part in key.split("."):
            field = model.model_fields[part]
            model = field.annotation
        if not field.description:
            missing.append(key)
    assert missing == []


BAD = {
    int: ["[1]", "many", "1.5", "-1", "true", "2020-01-01", "''"],
    float: ["[1]", "much", "-1e9", "true", ".nan", "''"],
    bool: ["[true]", "2", "maybe", "''"],
    str: ["[a]", "5", "2020-01-01"],
    Path: ["[a]", "5"],
}


def bad_settings():
    for key in known_keys():
        model = Settings
        for part in key.split("."):
            field = model.model_fields[part]
            model = field.annotation
        kinds = [kind for kind in BAD if kind.__name__ in str(model)] or [str]
        for value in BAD[kinds[0]]:
            yield key, value
        yield f"{key}s", "1"


def test_every_wrong_value_of_every_setting_is_named_with_its_line():
    table = list(bad_settings())
    assert len(table) >= 60
    passed = []
    for key, value in table:
        *sections, last = key.split(".")
        lines = [f"{'  ' * depth}{name}:" for depth, name in enumerate(sections)]
        lines.append(f"{'  ' * len(sections)}{last}: {value}")
        file = write("one.yaml", "\n".join(lines) + "\n")
        try:
            load_settings({"CONFIG_FILE": str(file)})
        except ConfigError as error:
            assert f"one.yaml:{len(lines)}" in str(error), (key, value)  # noqa: PT017
            assert key in str(error)  # noqa: PT017
        else:
            passed.append((key, value))
    assert passed == []


def test_setting_that_stands_twice_is_refused():
    file = write("twice.yaml", "api:\n  port: 1\n  host: 127.0.0.1\n  port: 2\n")
    with pytest.raises(ConfigError, match=r"twice\.yaml:4: api\.port stands here twice"):
        load_settings({"CONFIG_FILE": str(file)})


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("true", True), ("1", True), ("yes", True), ("on", True), ("ON", True),
     ("false", False), ("0", False), ("no", False), ("off", False)],
)  # fmt: skip
def test_switches_are_read_in_every_spelling(text, wanted):
    assert load_settings({"TRADEWRIGHT_LOGGING__FILE": text}).values.logging.file is wanted
    file = write("switch.yaml", f"logging:\n  file: {text}\npaths:\n  log_dir: null\n")
    loaded = load_settings({"CONFIG_FILE": str(file)}).values
    assert (loaded.logging.file, loaded.paths.log_dir) == (wanted, None)


def test_a_well_known_name_with_the_prefix_is_led_to_both_spellings():
    with pytest.raises(ConfigError, match="wanted DATA_DIR or TRADEWRIGHT_PATHS__DATA_DIR"):
        load_settings({"TRADEWRIGHT_DATA_DIR": "x"})
