"""Scalars whose JSON form is what PostgreSQL prints, so that a planned value needs no conversion on its way out."""

from datetime import date, datetime
from typing import Any, Final, NewType

import strawberry
from graphql import GraphQLError
from strawberry.types.scalar import ScalarDefinition

Date = NewType("Date", date)
DateTime = NewType("DateTime", datetime)


def _printed(value: Any) -> str:
    return value if isinstance(value, str) else str(value.isoformat())


def _parse_date(value: Any) -> date:
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise GraphQLError("A Date is written YYYY-MM-DD.", extensions={"code": "DATE_INVALID"}) from error


def _parse_date_time(value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise GraphQLError("A DateTime is written in ISO 8601.", extensions={"code": "DATE_TIME_INVALID"}) from error
    if moment.tzinfo is None:
        raise GraphQLError("A DateTime carries its offset from UTC.", extensions={"code": "DATE_TIME_INVALID"})
    return moment


SCALARS: Final[dict[object, ScalarDefinition]] = {
    Date: strawberry.scalar(
        name="Date", description="A day, `YYYY-MM-DD`.", serialize=_printed, parse_value=_parse_date
    ),
    DateTime: strawberry.scalar(
        name="DateTime",
        description="A moment in ISO 8601 with its offset, printed in UTC.",
        serialize=_printed,
        parse_value=_parse_date_time,
    ),
}
