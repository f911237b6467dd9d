"""What outlets sell, what a basket may hold in which era, the thresholds of oversight, and reference prices."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from app.domain.base import Term, metadata, tenant_columns, village_lies_in_regency
from app.domain.columns import actor, check, created_at, one_of


class Unit(Term):
    """What a quantity is counted in."""

    KILOGRAM = ("KILOGRAM", "kg")
    LITRE = ("LITRE", "liter")
    PIECE = ("PIECE", "butir atau buah")
    PACK = ("PACK", "bungkus")
    BUNCH = ("BUNCH", "ikat")


class Quality(Term):
    """How good a commodity was found."""

    GOOD = ("GOOD", "baik")
    FAIR = ("FAIR", "cukup")
    POOR = ("POOR", "buruk: berkutu, hancur, atau tidak layak")


class Place(Term):
    """Where a price was seen."""

    OUTLET = ("OUTLET", "e-Warong")
    MARKET = ("MARKET", "pasar atau toko lain")


commodity_group = sa.Table(
    "commodity_group",
    metadata,
    sa.Column("code", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, comment="official Indonesian name"),
    sa.Column("name_english", sa.Text, nullable=False),
)

commodity = sa.Table(
    "commodity",
    metadata,
    sa.Column("code", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("name_english", sa.Text, nullable=False),
    sa.Column(
        "group_code",
        sa.Text,
        sa.ForeignKey("commodity_group.code", name="commodity_group_fk"),
        comment="null: no food of any group, such as what is prohibited",
    ),
    sa.Column("unit", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    one_of("commodity", "unit", Unit),
    check("code ~ '^[A-Z][A-Z0-9_]{1,39}$'", "commodity_code_ck"),
)

# The rules of a basket by programme, channel and era. The newest that has begun counts.
basket_rule = sa.Table(
    "basket_rule",
    metadata,
    sa.Column(
        "programme_code", sa.Text, sa.ForeignKey("programme.code", name="basket_rule_programme_fk"), primary_key=True
    ),
    sa.Column("channel", sa.Text, primary_key=True),
    sa.Column("valid_from", sa.Date, primary_key=True),
    sa.Column("valid_to", sa.Date, comment="the last day"),
    sa.Column("open", sa.Boolean, nullable=False, comment="whether the programme is redeemed at outlets at all"),
    sa.Column("groups", pg.ARRAY(sa.Text), nullable=False, comment="commodity groups that a basket may hold"),
    sa.Column("prohibited", pg.ARRAY(sa.Text), nullable=False, comment="commodities that it may not hold"),
    sa.Column(
        "balanced", pg.ARRAY(sa.Text), nullable=False, comment="groups without which a basket is flagged, not refused"
    ),
    sa.Column("legal_basis_id", sa.Text, sa.ForeignKey("legal_basis.id", name="basket_rule_legal_basis_fk")),
    sa.Column(
        "source", sa.Text, nullable=False, comment="where the rule is from, or that it is a setting of the house"
    ),
    check("channel in ('BANK', 'POS', 'E_WARONG')", "basket_rule_channel_ck"),
    check("valid_from <= valid_to", "basket_rule_validity_ck"),
)

# Numbers that oversight compares with: data with a source, never code.
ewarong_threshold = sa.Table(
    "ewarong_threshold",
    metadata,
    sa.Column("code", sa.Text, primary_key=True, comment="such as MOST_FAMILIES or F1_CARDS"),
    sa.Column("valid_from", sa.Date, primary_key=True),
    sa.Column("value", sa.Numeric, nullable=False),
    sa.Column("unit", sa.Text, nullable=False, comment="what the value counts: families, minutes, share, hour, rupiah"),
    sa.Column("source", sa.Text, nullable=False),
)

# A price is no secret: everybody reads it, and only who holds the whole regency publishes it.
reference_price = sa.Table(
    "reference_price",
    metadata,
    sa.Column("regency_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("id", pg.UUID(as_uuid=True), primary_key=True),
    sa.Column("village_low", sa.BigInteger, nullable=False),
    sa.Column("village_high", sa.BigInteger, nullable=False),
    sa.Column(
        "commodity_code", sa.Text, sa.ForeignKey("commodity.code", name="reference_price_commodity_fk"), nullable=False
    ),
    sa.Column("week", sa.Date, nullable=False, comment="its Monday"),
    sa.Column("price", sa.BigInteger, nullable=False, comment="rupiah a unit"),
    sa.Column("ceiling", sa.BigInteger, comment="rupiah a unit above which nobody may sell (HET)"),
    sa.Column("observations", sa.Integer, nullable=False, comment="prices of the market that it is the median of"),
    sa.Column("source", sa.Text, nullable=False),
    *actor("published", nullable=False),
    sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    sa.UniqueConstraint("regency_id", "commodity_code", "week", name="reference_price_week_uq"),
    check("village_low / 1000000 = regency_id", "reference_price_regency_ck"),
    check("village_low <= village_high", "reference_price_span_ck"),
    check("extract(isodow from week) = 1", "reference_price_week_ck"),
    check("price > 0 and ceiling > 0 and observations >= 0", "reference_price_price_ck"),
)
# Ids are UUIDs of version 7: their order is that of time.
sa.Index("reference_price_newest_ix", reference_price.c.id)

# What somebody saw in a market or an outlet: its price, its quality, its weight.
price_observation = sa.Table(
    "price_observation",
    metadata,
    *tenant_columns(),
    sa.Column("place", sa.Text, nullable=False),
    sa.Column("agent_id", pg.UUID(as_uuid=True), comment="the outlet, where it was one"),
    sa.Column("place_name", sa.Text, comment="the market, where it was one"),
    sa.Column(
        "commodity_code",
        sa.Text,
        sa.ForeignKey("commodity.code", name="price_observation_commodity_fk"),
        nullable=False,
    ),
    sa.Column("observed_on", sa.Date, nullable=False),
    sa.Column("price", sa.BigInteger, nullable=False, comment="rupiah a unit"),
    sa.Column("quality", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False, server_default=""),
    sa.Column("idempotency_key", pg.UUID(as_uuid=True), nullable=False),
    *actor("observed", nullable=False),
    created_at(),
    sa.UniqueConstraint("regency_id", "idempotency_key", "commodity_code", name="price_observation_key_uq"),
    one_of("price_observation", "place", Place),
    one_of("price_observation", "quality", Quality),
    check("(place = 'OUTLET') = (agent_id is not null)", "price_observation_agent_ck"),
    check("(place = 'MARKET') = (place_name is not null)", "price_observation_market_ck"),
    check("price > 0", "price_observation_price_ck"),
    village_lies_in_regency("price_observation"),
    sa.ForeignKeyConstraint(
        ["regency_id", "agent_id"], ["ewarong_agent.regency_id", "ewarong_agent.id"], name="price_observation_agent_fk"
    ),
)
sa.Index("price_observation_village_ix", price_observation.c.village_id, price_observation.c.id)
sa.Index(
    "price_observation_week_ix",
    price_observation.c.regency_id,
    price_observation.c.commodity_code,
    price_observation.c.observed_on,
)
