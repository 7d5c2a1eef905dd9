"""One contract for every board of signals: in memory, and in a real Redis."""

import json

import pytest
from tests.redis_server import RedisServer

from tradewright.adapters.boards.memory_board import MemoryBoard
from tradewright.adapters.boards.redis_board import RedisBoard
from tradewright.app.clock import WallClock
from tradewright.domain.errors import ConfigError, TransientEdgeError


class StoppedClock:
    def __init__(self):
        self.ns = 10**18

    def now_ns(self):
        return self.ns


def signal(symbol, action="BUY", **more):
    return {"symbol": symbol, "action": action, "confidence": 0.7, "stop_loss": None, **more}


@pytest.fixture
def redis(tmp_path):
    server = RedisServer(tmp_path)
    server.start()
    yield server
    server.kill()


@pytest.fixture(params=["memory", "redis"])
def board(request):
    if request.param == "memory":
        yield MemoryBoard(WallClock())
        return
    made = RedisBoard(request.getfixturevalue("redis").url)
    yield made
    made.close()


def test_the_newest_signal_of_each_instrument_is_shown(board):
    assert board.active() == {}
    board.put(signal("MSFT"), ttl_s=60)
    board.put(signal("AAPL"), ttl_s=60)
    board.put(signal("AAPL", "SELL", confidence=0.9), ttl_s=60)
    assert board.active() == {
        "AAPL": signal("AAPL", "SELL", confidence=0.9),
        "MSFT": signal("MSFT"),
    }


def test_hold_takes_an_instrument_off(board):
    board.put(signal("AAPL"), ttl_s=60)
    board.put(signal("AAPL", "HOLD"), ttl_s=60)
    assert board.active() == {}


def test_the_same_signal_twice_is_the_same_as_once(board):
    board.put(signal("AAPL"), ttl_s=60)
    board.put(signal("AAPL"), ttl_s=60)
    assert board.active() == {"AAPL": signal("AAPL")}


def test_a_signal_in_memory_is_gone_when_it_expires():
    clock = StoppedClock()
    board = MemoryBoard(clock)
    board.put(signal("AAPL"), ttl_s=60)
    clock.ns += 60 * 10**9
    assert board.active() == {}


def test_keys_of_redis_have_their_names_and_a_time_to_live(redis):
    import redis as library

    board = RedisBoard(redis.url, prefix="tw:testing:")
    board.put(signal("AAPL"), ttl_s=600)
    board.put(signal("MSFT"), ttl_s=60)
    client = library.Redis.from_url(redis.url, decode_responses=True)
    assert sorted(client.keys("*")) == [
        "tw:testing:signal:AAPL", "tw:testing:signal:MSFT", "tw:testing:signal:active",
    ]  # fmt: skip
    assert client.smembers("tw:testing:signal:active") == {"AAPL", "MSFT"}
    assert json.loads(client.get("tw:testing:signal:AAPL")) == signal("AAPL")
    assert 0 < client.ttl("tw:testing:signal:MSFT") <= 60
    # The set outlives its longest signal, not its last one.
    assert 60 < client.ttl("tw:testing:signal:active") <= 600
    client.delete("tw:testing:signal:MSFT")  # as if it had expired
    assert set(board.active()) == {"AAPL"}
    client.close()
    board.close()


def test_a_server_that_is_gone_is_told_without_its_address_and_found_again(redis):
    board = RedisBoard(redis.url)
    board.put(signal("AAPL"), ttl_s=60)
    redis.kill()
    for call in (lambda: board.put(signal("AAPL"), ttl_s=60), board.active):
        with pytest.raises(TransientEdgeError, match="redis does not answer") as told:
            call()
        assert str(redis.port) not in str(told.value)
    redis.start()
    board.put(signal("KO"), ttl_s=60)
    assert set(board.active()) == {"KO"}  # nothing durable lived there
    board.close()


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/0", "redis://h:port/0", "nothing"])
def test_an_address_that_is_none_is_refused_without_showing_it(url):
    with pytest.raises(ConfigError, match=r"redis.url: wanted redis://host:port/db") as told:
        RedisBoard(url)
    assert url not in str(told.value)
