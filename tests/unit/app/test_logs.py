"""Logs hide secrets and stay one line per event."""

import json
import logging

import pytest
import structlog

from tradewright.app.logs import mask, set_up_logs


@pytest.fixture(autouse=True)
def _restore_logging():
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = before
    structlog.reset_defaults()


@pytest.mark.parametrize("key", ["password", "api_key", "apikey", "refresh_token", "Authorization"])
def test_values_under_secret_keys_are_hidden(key):
    assert mask(None, "info", {key: "canary"}) == {key: "***"}


def test_emails_are_shortened_and_line_breaks_escaped():
    event = mask(None, "info", {"event": "mail to trader@example.org\nforged line"})
    assert event["event"] == "mail to tr***@example.org\\nforged line"


def test_a_log_file_holds_one_json_document_per_event(tmp_path):
    file = tmp_path / "logs" / "tradewright.log"
    set_up_logs("info", file=file)
    structlog.get_logger("tradewright.test").info("bars stored", rows=3, api_key="canary")
    logging.getLogger("tradewright.other").warning("plain %s", "line")
    events = [json.loads(line) for line in file.read_text().splitlines()]
    assert [event["event"] for event in events] == ["bars stored", "plain line"]
    assert events[0]["rows"] == 3
    assert "canary" not in file.read_text()
