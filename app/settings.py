"""Every setting of Kesos, typed and read once from the environment (prefix ``KESOS_``)."""

from functools import lru_cache
from pathlib import Path

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

DEVELOPMENT_ISSUER = "https://issuer.kesos.invalid"
TEST_NIK_PROVINCE = "99"


class Settings(BaseSettings):
    """What a deployment may decide.

    Without ``KESOS_DATABASE_URL`` an embedded PostgreSQL runs in the data folder; without ``KESOS_ISSUER`` the development
    issuer signs and verifies tokens. The two switches are independent.
    """

    model_config = SettingsConfigDict(env_prefix="KESOS_", frozen=True)

    data_dir: Path = Field(
        Path(".kesos"), description="Folder of the embedded database, the development keys and its log."
    )
    database_url: SecretStr | None = Field(
        None,
        description="postgresql://user:password@host/database. Migrations need a user that may create roles; "
        "`kesos serve` also takes the kesos_app user itself.",
    )
    app_password: SecretStr | None = Field(None, description="Password of kesos_app on a database server.")
    loader_password: SecretStr | None = Field(None, description="Password of kesos_loader on a database server.")
    host: str = "127.0.0.1"
    port: int = Field(8000, ge=1, le=65535)
    read_pool_size: int = Field(8, ge=1, le=200, description="Connections that one server process reads through.")
    write_pool_size: int = Field(4, ge=1, le=200, description="Connections that one server process writes through.")
    issuer: str | None = Field(None, description="`iss` of the tokens; unset means the development issuer.")
    audience: str = Field("kesos", description="`aud` that a token must carry.")
    jwks_url: str | None = Field(None, description="Where the issuer publishes its public keys.")
    principal_cache_seconds: float = Field(
        5.0, ge=0, le=300, description="How long grants are remembered by a process."
    )
    sealing_keys: dict[str, SecretStr] = Field(
        default_factory=dict,
        description='Keys that seal NIK and KK: {"key id": "base64 of 32 bytes"}; the last one seals, all of them open.',
    )
    digest_key: SecretStr | None = Field(None, description="Base64 of 32 bytes; keys the HMAC digest of NIK and KK.")
    test_nik_provinces: frozenset[str] = Field(
        frozenset(),
        description="Province prefixes reserved for synthetic NIK, e.g. ['99']. Empty where real people are registered.",
    )

    @model_validator(mode="after")
    def _issuer_and_keys_belong_together(self) -> "Settings":
        if (self.issuer is None) != (self.jwks_url is None):
            raise ValueError("KESOS_ISSUER and KESOS_JWKS_URL are set together, or neither is.")
        if self.issuer is not None and (not self.sealing_keys or self.digest_key is None):
            raise ValueError("With a real issuer, KESOS_SEALING_KEYS and KESOS_DIGEST_KEY must be set too.")
        if self.issuer is not None and self.test_nik_provinces:
            raise ValueError("KESOS_TEST_NIK_PROVINCES admits synthetic persons; it cannot be set with a real issuer.")
        return self

    @property
    def is_development(self) -> bool:
        """Whether the development issuer is on: never true once a real issuer is configured."""
        return self.issuer is None

    @property
    def nik_provinces_for_tests(self) -> frozenset[str]:
        """Province prefixes of synthetic NIK that are accepted here."""
        return self.test_nik_provinces or (frozenset({TEST_NIK_PROVINCE}) if self.is_development else frozenset())


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """The settings of this process."""
    return Settings()
