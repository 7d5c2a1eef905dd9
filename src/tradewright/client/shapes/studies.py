"""Types of studies; written from the OpenAPI document, do not edit."""

from __future__ import annotations

from typing import NotRequired, TypedDict


class StudyInfo(TypedDict):
    """A study that can be run by name."""

    name: str
    title: str
    description: str


class StudyRunBody(TypedDict):
    """How to run a study."""

    seed: NotRequired[int | None]
