"""Tables of the region tree: reference data that every tenant may read."""

import sqlalchemy as sa

from app.domain.base import Term, enum_column_type, metadata


class RegionKind(Term):
    """What a region is called in law."""

    PROVINCE = ("PROVINCE", "provinsi")
    KABUPATEN = ("KABUPATEN", "kabupaten")
    KOTA = ("KOTA", "kota")
    DISTRICT = ("DISTRICT", "kecamatan (distrik di Papua)")
    DESA = ("DESA", "desa")
    KELURAHAN = ("KELURAHAN", "kelurahan")
    DESA_ADAT = ("DESA_ADAT", "desa adat")


class CodeNamespace(Term):
    """Whose code it is. The same digits denote different places in the two."""

    KEMENDAGRI = ("KEMENDAGRI", "kode wilayah Kementerian Dalam Negeri, ditulis dengan titik")
    BPS = ("BPS", "kode wilayah Badan Pusat Statistik, ditulis tanpa titik")


class RegionChangeKind(Term):
    """What happened to a region."""

    SPLIT = ("SPLIT", "pemekaran")
    MERGE = ("MERGE", "penggabungan")
    RENAME = ("RENAME", "ganti nama")
    STATUS = ("STATUS", "ganti status, misalnya desa menjadi kelurahan")


class Level(Term):
    """How deep in the tree a region stands."""

    PROVINCE = ("PROVINCE", "provinsi")
    REGENCY = ("REGENCY", "kabupaten/kota")
    DISTRICT = ("DISTRICT", "kecamatan")
    VILLAGE = ("VILLAGE", "desa/kelurahan")


region = sa.Table(
    "region",
    metadata,
    sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("level", enum_column_type(Level, "region_level"), nullable=False),
    sa.Column("kind", enum_column_type(RegionKind, "region_kind"), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("parent_id", sa.BigInteger, sa.ForeignKey("region.id", name="region_parent_fk")),
    sa.Column("village_low", sa.BigInteger, nullable=False),
    sa.Column("village_high", sa.BigInteger, nullable=False),
    sa.Column("valid_from", sa.Date),
    sa.Column("valid_to", sa.Date),
    sa.Column("decree", sa.Text),
    sa.UniqueConstraint("code", name="region_code_uq"),
)
sa.Index("region_parent_ix", region.c.parent_id, region.c.id)
sa.Index("region_name_ix", sa.func.lower(region.c.name).label("name_lower"), region.c.id)

region_alias = sa.Table(
    "region_alias",
    metadata,
    sa.Column("namespace", enum_column_type(CodeNamespace, "code_namespace"), primary_key=True),
    sa.Column("code", sa.Text, primary_key=True),
    sa.Column("region_id", sa.BigInteger, sa.ForeignKey("region.id", name="region_alias_region_fk"), nullable=False),
    sa.Column("source", sa.Text, nullable=False),
)
sa.Index("region_alias_region_ix", region_alias.c.region_id)

region_change = sa.Table(
    "region_change",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("kind", enum_column_type(RegionChangeKind, "region_change_kind"), nullable=False),
    sa.Column("from_id", sa.BigInteger, sa.ForeignKey("region.id", name="region_change_from_fk"), nullable=False),
    sa.Column("to_id", sa.BigInteger, sa.ForeignKey("region.id", name="region_change_to_fk"), nullable=False),
    sa.Column("changed_on", sa.Date, nullable=False),
    sa.Column("decree", sa.Text, nullable=False),
    sa.Column("former_name", sa.Text),
)
sa.Index("region_change_from_ix", region_change.c.from_id)
sa.Index("region_change_to_ix", region_change.c.to_id)
