"""Principals and their grants as rows.

A principal is looked up through ``principal_by_subject`` and made through ``principal_for_grant``; the application reads none of them.
Grants it reads and changes behind the second wall: whoever holds the whole region of a grant sees it.
"""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from app.tenants.tables import metadata

principal = sa.Table(
    "principal",
    metadata,
    sa.Column("id", pg.UUID(as_uuid=True), primary_key=True),
    sa.Column("issuer", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("active", sa.Boolean, nullable=False, server_default="true"),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    sa.UniqueConstraint("issuer", "subject", name="principal_subject_uq"),
)

_FIRST_VILLAGE: Final = (
    "CASE WHEN region_id IS NULL THEN 0::bigint WHEN region_id < 100 THEN region_id * 100000000 "
    "WHEN region_id < 10000 THEN region_id * 1000000 WHEN region_id < 1000000 THEN region_id * 10000 ELSE region_id END"
)
_LAST_VILLAGE: Final = (
    "CASE WHEN region_id IS NULL THEN 9999999999::bigint WHEN region_id < 100 THEN region_id * 100000000 + 99999999 "
    "WHEN region_id < 10000 THEN region_id * 1000000 + 999999 WHEN region_id < 1000000 THEN region_id * 10000 + 9999 "
    "ELSE region_id END"
)


def _by(column: str) -> sa.Column[object]:
    return sa.Column(column, sa.ForeignKey("principal.id", name=f"principal_grant_{column}_fk"))


def _check(name: str, condition: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=sa.schema.conv(f"principal_grant_{name}_ck"))


principal_grant = sa.Table(
    "principal_grant",
    metadata,
    sa.Column("id", pg.UUID(as_uuid=True), primary_key=True),
    sa.Column("principal_id", sa.ForeignKey("principal.id", name="principal_grant_principal_fk"), nullable=False),
    sa.Column("holder_subject", sa.Text, nullable=False),
    sa.Column("holder_name", sa.Text, nullable=False, comment="as whoever gave the grant knows the principal"),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column(
        "region_id",
        sa.BigInteger,
        sa.ForeignKey("region.id", name="principal_grant_region_fk"),
        comment="NULL: the whole country",
    ),
    # Made from the region, so that no grant can be put behind the wall of another.
    sa.Column("village_low", sa.BigInteger, sa.Computed(_FIRST_VILLAGE, persisted=True), nullable=False),
    sa.Column("village_high", sa.BigInteger, sa.Computed(_LAST_VILLAGE, persisted=True), nullable=False),
    sa.Column("entity_kind", sa.Text),
    sa.Column("entity_id", pg.UUID(as_uuid=True)),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("people", sa.SmallInteger, nullable=False, comment="how many people it takes to give this grant"),
    sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    sa.Column("valid_to", sa.DateTime(timezone=True)),
    sa.Column("reason", sa.Text),
    _by("given_by"),
    sa.Column("given_by_name", sa.Text),
    sa.Column("given_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    sa.Column("lapses_at", sa.DateTime(timezone=True), comment="until when a proposal waits to be confirmed"),
    _by("confirmed_by"),
    sa.Column("confirmed_by_name", sa.Text),
    sa.Column("confirmed_at", sa.DateTime(timezone=True)),
    _by("revoked_by"),
    sa.Column("revoked_by_name", sa.Text),
    sa.Column("revoked_at", sa.DateTime(timezone=True)),
    sa.Column("revocation_reason", sa.Text),
    _check("entity", "(entity_kind is null) = (entity_id is null)"),
    _check("status", "status in ('PROPOSED', 'ACTIVE', 'REVOKED')"),
    _check("people", "people in (1, 2)"),
    _check("two_people", "status <> 'ACTIVE' or people = 1 or given_by is not null and confirmed_by is not null"),
    # Where one of them is NULL there is nothing to compare, and the constraint holds.
    _check(
        "others",
        "given_by <> principal_id and confirmed_by <> principal_id and revoked_by <> principal_id "
        "and confirmed_by <> given_by",
    ),
    _check("proposed", "status <> 'PROPOSED' or lapses_at is not null"),
    _check("given", "(given_by is null) = (given_by_name is null)"),
    _check("confirmed", "num_nulls(confirmed_by, confirmed_by_name, confirmed_at) in (0, 3)"),
    _check(
        "revoked",
        "num_nulls(revoked_by, revoked_by_name, revoked_at) in (0, 3) and (status = 'REVOKED') = (revoked_by is not null)",
    ),
)
sa.Index("principal_grant_principal_ix", principal_grant.c.principal_id)
sa.Index("principal_grant_region_ix", principal_grant.c.village_low, principal_grant.c.id)
sa.Index(
    "principal_grant_uq",
    principal_grant.c.principal_id,
    principal_grant.c.role,
    sa.func.coalesce(principal_grant.c.region_id, 0),
    sa.func.coalesce(principal_grant.c.entity_id, sa.text("'00000000-0000-0000-0000-000000000000'::uuid")),
    unique=True,
    postgresql_where=sa.text("valid_to is null and status = 'ACTIVE'"),
)
