"""What the API says and takes, apart from runs and paper."""

from __future__ import annotations

import math
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

from tradewright.domain.time import from_ns
from tradewright.services.jobs import Job as JobValue
from tradewright.services.jobs import JobStatus

DECIMAL_SCHEMA = {"type": "string", "format": "decimal", "examples": ["100000.00"]}


def moment(value: int | datetime) -> str:
    """Return a time as RFC 3339 UTC text with milliseconds and ``Z``.

    Examples
    --------
    >>> moment(0)
    '1970-01-01T00:00:00.000Z'
    """
    when = value if isinstance(value, datetime) else from_ns(int(value))
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def plain_decimal(value: Decimal | int | str) -> str:
    """Return an exact number as text without an exponent.

    Examples
    --------
    >>> plain_decimal(Decimal("1E+3")), plain_decimal(Decimal("0.10"))
    ('1000', '0.10')
    """
    return format(Decimal(value), "f")


def finite(value: Any) -> float | None:
    """Return a number, or None where it is missing, NaN or infinite."""
    if value is None:
        return None
    number = float(value)
    return number if math.isfinite(number) else None


Amount = Annotated[
    Decimal,
    PlainSerializer(plain_decimal, return_type=str),
    WithJsonSchema(DECIMAL_SCHEMA),
]
"""Money, price or quantity: an exact decimal string."""

Moment = Annotated[
    str,
    BeforeValidator(lambda value: value if isinstance(value, str) else moment(value)),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""RFC 3339, UTC, ``Z``."""

Number = Annotated[float | None, BeforeValidator(finite)]
"""A research number; null where it cannot be given."""


class Body(BaseModel):
    """A request body: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", str_max_length=200)


class FieldError(BaseModel):
    """One wrong field."""

    field: str
    message: str
    code: str


class ErrorBody(BaseModel):
    """Why a request was refused."""

    detail: str = Field(description="One plain sentence: what, found, wanted")
    status_code: int
    timestamp: str
    request_id: str
    code: str
    errors: list[FieldError] | None = Field(None, description="Every wrong field, on 422")


class Health(BaseModel):
    """Whether the server and its parts work."""

    status: Literal["ok", "degraded"]
    version: str
    api_version: str
    environment: str
    mode: Literal["SIMULATION", "PAPER"]
    sign_in: bool = Field(description="False: one local user, bound to this machine")
    now: Moment
    components: dict[str, ComponentHealth]


class ComponentHealth(BaseModel):
    """Whether one part works."""

    status: Literal["ok", "empty", "failed"]
    detail: str


class Job(BaseModel):
    """A long work: where it stands."""

    job_id: str
    kind: str
    name: str
    status: JobStatus
    progress: float = Field(ge=0, le=1)
    message: str
    eta_s: float | None
    result_url: str | None = Field(description="Path of the page of what it made")
    error: str | None
    cause: str | None = Field(description="refused, invalid or internal")
    created_at: str | None
    started_at: str | None
    finished_at: str | None

    @classmethod
    def of(cls, job: JobValue) -> Job:
        """Build the reply from a job."""
        return cls.model_validate(job.as_payload())


class StudyRunBody(Body):
    """How to run a study."""

    seed: Annotated[int, Field(strict=True, ge=0, lt=2**32)] | None = None


class StudyInfo(BaseModel):
    """A study that can be run by name."""

    name: str
    title: str
    description: str


class InstrumentInfo(BaseModel):
    """A symbol with data."""

    symbol: str
    sector: str
    asset_class: str
    source: str
    interval: str
    adjustment: str
    first: Moment
    last: Moment
    rows: int


class BarSeries(BaseModel):
    """Open, high, low, close and volume as columns of equal length; null where not traded."""

    symbol: str
    interval: str
    source: str
    adjustment: str
    times: list[Moment]
    open: list[Number]
    high: list[Number]
    low: list[Number]
    close: list[Number]
    volume: list[Number]
    truncated: bool = Field(False, description="More bars exist in the range than were sent")


Health.model_rebuild()
