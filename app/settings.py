"""Every setting of Kesos, typed and read once from the environment (prefix ``KESOS_``)."""

from functools import lru_cache
from pathlib import Path
from typing import Literal

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
    read_database_url: SecretStr | None = Field(
        None,
        description="postgresql://kesos_app:password@host/database of one streaming replica, which answers queries (docs/scaling.md); "
        "unset, the primary answers all.",
    )
    read_staleness_seconds: float = Field(
        5.0,
        ge=0,
        le=3_600,
        description="How old an answer of that replica may be; where it is older, the primary answers. 0: always the primary.",
    )
    pooler_url: SecretStr | None = Field(
        None,
        description="postgresql://kesos_app:password@host:6432/database of a pgbouncer in transaction mode, through which requests read "
        "and write (docs/scaling.md); unset, they connect to the database itself, as everything else always does.",
    )
    files_dir: Path | None = Field(
        None,
        description="Folder of uploads and exports of one database, sealed; all its processes, on whichever machine, see the same. Unset: "
        "`files` in the data folder.",
    )
    largest_upload_bytes: int = Field(2_147_483_648, ge=1, description="The largest file that may be uploaded.")
    upload_hours: float = Field(72.0, gt=0, description="How long an upload is kept that no import uses.")
    link_seconds: int = Field(300, ge=10, le=86_400, description="How long the link to an export is good.")
    export_hours: float = Field(24.0, gt=0, description="How long the file of an export is kept.")
    jobs_at_once: int = Field(2, ge=1, le=32, description="Jobs that one worker process works on at the same time.")
    dukcapil_url: str | None = Field(
        None, description="Where the civil registry compares persons (docs/dukcapil.md); unset, nobody is compared."
    )
    dukcapil_token: SecretStr | None = Field(None, description="Bearer token for that service.")
    dukcapil_requests_per_second: float = Field(
        5.0, gt=0, le=1_000, description="Batches that one job sends to it in a second."
    )
    bank_url: str | None = Field(
        None,
        description="Where files for banks are sent and answered (docs/bank-files.md); unset, officers download and upload them.",
    )
    bank_token: SecretStr | None = Field(None, description="Bearer token for that service.")
    host: str = "127.0.0.1"
    port: int = Field(8000, ge=1, le=65535)
    read_pool_size: int = Field(8, ge=1, le=200, description="Connections that one server process reads through.")
    write_pool_size: int = Field(4, ge=1, le=200, description="Connections that one server process writes through.")
    issuer: str | None = Field(None, description="`iss` of the tokens; unset means the development issuer.")
    audience: str = Field("kesos", description="`aud` that a token must carry.")
    jwks_url: str | None = Field(
        None, description="Where the issuer publishes its public keys; unset, its discovery document says so."
    )
    client_id: str | None = Field(None, description="Client of the issuer for browser login; unset, there is none.")
    client_secret: SecretStr | None = Field(None, description="Secret of that client.")
    public_url: str | None = Field(
        None, description="Where browsers reach Kesos, such as https://kesos.example.go.id; needed for browser login."
    )
    session_key: SecretStr | None = Field(
        None, description="Base64 of 32 bytes; encrypts the cookies of browser login, the same for all processes."
    )
    principal_cache_seconds: float = Field(
        60.0,
        ge=0,
        le=300,
        description="How long a process remembers grants that nobody changes; a change is seen at once.",
    )
    cors_origins: frozenset[str] = Field(
        frozenset(), description='Origins whose pages may call the API, such as ["https://app.example.go.id"].'
    )
    trusted_proxies: frozenset[str] = Field(
        frozenset(), description="Addresses of proxies whose X-Forwarded-For and X-Forwarded-Proto are believed."
    )
    requests_per_minute: int = Field(3_000, ge=1, description="Requests that one principal may send to a process.")
    requests_per_minute_per_address: int = Field(
        12_000, ge=1, description="Requests that one address may send to a process, known principals or not."
    )
    cost_per_minute: int = Field(
        2_000_000, ge=1, description="Values that the requests of one principal may ask a process for."
    )
    request_seconds: float = Field(30.0, gt=0, le=600, description="A request that takes longer is given up.")
    statement_seconds: float = Field(20.0, gt=0, le=600, description="A statement that takes longer is cancelled.")
    seal_seconds: float = Field(
        60.0, ge=0, description="How often new audit events are sealed; 0: only by `kesos seal`."
    )
    metrics_token: SecretStr | None = Field(
        None, description="Bearer token that reads /metrics; unset, only this machine may."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="What is logged, as JSON.")
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
        if self.issuer is None and self.jwks_url is not None:
            raise ValueError("KESOS_JWKS_URL belongs to a KESOS_ISSUER: set both, or neither.")
        if self.client_id is not None and (self.issuer is None or self.public_url is None or self.session_key is None):
            raise ValueError(
                "Browser login needs KESOS_ISSUER, KESOS_PUBLIC_URL and KESOS_SESSION_KEY beside KESOS_CLIENT_ID."
            )
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
