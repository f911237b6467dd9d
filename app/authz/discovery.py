"""OpenID Connect discovery: what an issuer says about itself."""

from dataclasses import dataclass
from typing import Any, Final, Self

from app.authz.remote import USUAL, DocumentInvalid, RemoteDocument, Timing, fetch_json, is_local, is_secure

_PATH: Final = "/.well-known/openid-configuration"


@dataclass(frozen=True, slots=True)
class IssuerMetadata:
    """Where the issuer keeps its keys and, for browser login, where it is talked to."""

    issuer: str
    jwks_uri: str
    authorization_endpoint: str | None
    token_endpoint: str | None
    end_session_endpoint: str | None
    answers_name_issuer: bool

    @classmethod
    def of_document(cls, issuer: str, document: Any) -> Self:
        """Read what ``issuer`` publishes about itself.

        Raises:
            DocumentInvalid: it is about another issuer, or names an address that others could answer for.
        """
        if not isinstance(document, dict) or document.get("issuer") != issuer:
            raise DocumentInvalid("the document is not about this issuer")
        local_allowed = is_local(issuer)
        urls: dict[str, str | None] = {}
        for name in ("jwks_uri", "authorization_endpoint", "token_endpoint", "end_session_endpoint"):
            urls[name] = document.get(name)
            if urls[name] is not None and not is_secure(urls[name], local_allowed=local_allowed):
                raise DocumentInvalid(f"{name} is not https")
        jwks_uri = urls.pop("jwks_uri")
        if jwks_uri is None:
            raise DocumentInvalid("jwks_uri is missing")
        answers_name_issuer = document.get("authorization_response_iss_parameter_supported") is True
        return cls(issuer=issuer, jwks_uri=jwks_uri, **urls, answers_name_issuer=answers_name_issuer)


class Discovery:
    """The metadata of one issuer, read when they are first needed: Kesos starts without the issuer."""

    def __init__(self, issuer: str, timing: Timing = USUAL) -> None:
        """Remember whom to ask.

        Raises:
            ValueError: the issuer is not https and not on this machine, so anybody on the way could change its keys.
        """
        if not is_secure(issuer):
            raise ValueError("KESOS_ISSUER must begin with https://, or with http:// on this machine.")
        self._issuer = issuer
        self._timing = timing
        self._document = RemoteDocument("metadata", self._read, timing)

    async def metadata(self) -> IssuerMetadata:
        """What the issuer says about itself.

        Raises:
            IssuerUnavailable: it has never said anything usable.
        """
        return await self._document.get()

    async def _read(self) -> IssuerMetadata:
        url = self._issuer.removesuffix("/") + _PATH
        return IssuerMetadata.of_document(self._issuer, await fetch_json(url, self._timing.fetch_seconds))
