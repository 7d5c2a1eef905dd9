"""The limit of threads is put back, also when contexts overlap."""

import threading

import numpy  # noqa: F401
import scipy.linalg  # noqa: F401
from threadpoolctl import threadpool_info, threadpool_limits

from tradewright.portfolio.solvers.threads import one_thread


def threads():
    return max(row["num_threads"] for row in threadpool_info() if row["user_api"] == "blas")


def test_overlapping_contexts_put_back_what_was():
    entered, leave = threading.Event(), threading.Event()

    def other():
        with one_thread():
            entered.set()
            leave.wait(10)

    with threadpool_limits(limits=2, user_api="blas"):
        before = threads()
        worker = threading.Thread(target=other)
        with one_thread():
            assert threads() == 1
            worker.start()
            assert entered.wait(10)
        assert threads() == 1
        leave.set()
        worker.join(10)
        assert threads() == before
