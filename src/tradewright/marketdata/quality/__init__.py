"""How good data are, and whether a study may show a result on them."""

from tradewright.marketdata.quality.gate import HealthVerdict, check_health
from tradewright.marketdata.quality.report import QualityReport, quality_report
from tradewright.marketdata.quality.rules import Finding

__all__ = ["Finding", "HealthVerdict", "QualityReport", "check_health", "quality_report"]
