"""``python -m tradewright`` is the program ``tradewright``."""

from tradewright.app.cli.main import main

main()
