"""The region tree, its aliases and its changes.

Revision ID: 0001
Revises:
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from app.tenants.rls import CREATE_SCOPE_FUNCTION, reference_table

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ENUMS = {
    "region_level": ("PROVINCE", "REGENCY", "DISTRICT", "VILLAGE"),
    "region_kind": ("PROVINCE", "KABUPATEN", "KOTA", "DISTRICT", "DESA", "KELURAHAN", "DESA_ADAT"),
    "code_namespace": ("KEMENDAGRI", "BPS"),
    "region_change_kind": ("SPLIT", "MERGE", "RENAME", "STATUS"),
}


def _enum(name: str) -> pg.ENUM:
    return pg.ENUM(*_ENUMS.get(name, ()), name=name, create_type=False)


def upgrade() -> None:
    """Create."""
    for name in _ENUMS:
        _enum(name).create(op.get_bind())
    op.create_table(
        "region",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("level", _enum("region_level"), nullable=False),
        sa.Column("kind", _enum("region_kind"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("parent_id", sa.BigInteger(), nullable=True),
        sa.Column("village_low", sa.BigInteger(), nullable=False),
        sa.Column("village_high", sa.BigInteger(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("decree", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["parent_id"], ["region.id"], name="region_parent_fk"),
        sa.PrimaryKeyConstraint("id", name=op.f("region_pk")),
        sa.UniqueConstraint("code", name="region_code_uq"),
    )
    op.create_index(
        "region_name_ix", "region", [sa.literal_column("lower(name)").label("name_lower"), "id"], unique=False
    )
    op.create_index("region_parent_ix", "region", ["parent_id", "id"], unique=False)
    op.create_table(
        "region_alias",
        sa.Column("namespace", _enum("code_namespace"), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("region_id", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["region_id"], ["region.id"], name="region_alias_region_fk"),
        sa.PrimaryKeyConstraint("namespace", "code", name=op.f("region_alias_pk")),
    )
    op.create_index("region_alias_region_ix", "region_alias", ["region_id"], unique=False)
    op.create_table(
        "region_change",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", _enum("region_change_kind"), nullable=False),
        sa.Column("from_id", sa.BigInteger(), nullable=False),
        sa.Column("to_id", sa.BigInteger(), nullable=False),
        sa.Column("changed_on", sa.Date(), nullable=False),
        sa.Column("decree", sa.Text(), nullable=False),
        sa.Column("former_name", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["from_id"], ["region.id"], name="region_change_from_fk"),
        sa.ForeignKeyConstraint(["to_id"], ["region.id"], name="region_change_to_fk"),
        sa.PrimaryKeyConstraint("id", name=op.f("region_change_pk")),
    )
    op.create_index("region_change_from_ix", "region_change", ["from_id"], unique=False)
    op.create_index("region_change_to_ix", "region_change", ["to_id"], unique=False)
    for table in ("region", "region_alias", "region_change"):
        for statement in reference_table(table):
            op.execute(statement)
    op.execute(CREATE_SCOPE_FUNCTION)


def downgrade() -> None:
    """Drop."""
    op.drop_table("region_change")
    op.drop_table("region_alias")
    op.drop_table("region")
    for name in reversed(_ENUMS):
        _enum(name).drop(op.get_bind())
    op.execute("drop function kesos_scope")
