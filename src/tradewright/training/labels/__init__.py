"""Labels: what happened next. They look forward, so only training may import them."""

from tradewright.training.labels.barriers import triple_barrier
from tradewright.training.labels.returns import forward_return, three_class
from tradewright.training.labels.values import Labels

__all__ = ["Labels", "forward_return", "three_class", "triple_barrier"]
