"""Browser login: OpenID Connect's authorization code with PKCE, and the pages that go with it.

Authlib makes the request, keeps its state and exchanges the code; signatures are checked as those of bearer tokens are.
"""

import asyncio
import base64
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote_plus, urlsplit

import httpx2
from authlib.integrations.starlette_client import OAuthError, StarletteIntegration, StarletteOAuth2App
from authlib.oidc.core import CodeIDToken, UserInfo
from joserfc.errors import JoseError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from app.authz.authentication import Authenticator, Unauthenticated
from app.authz.authorize import Access
from app.authz.discovery import Discovery, IssuerMetadata
from app.authz.jwk import KeySource
from app.authz.remote import IssuerUnavailable, is_local
from app.authz.tokens import KEYS_UNAVAILABLE, LEEWAY_SECONDS, TokenVerifier, verify_id_token
from app.schema.language import preferred_language
from app.settings import Settings
from app.web.headers import request_id
from app.web.login_pages import (
    DENIED,
    EXPIRED,
    INTERNAL,
    PRINCIPAL_UNKNOWN,
    REFUSED,
    TOO_LARGE,
    UNAVAILABLE,
    UNVERIFIED,
    failure_page,
    logout_page,
    signed_out_page,
    unknown_page,
)
from app.web.sessions import CookieTooLarge, CrossSiteRequest, Sessions

NAME: Final = "kesos"
FLOW_SECONDS: Final = 600
PROVIDER_SECONDS: Final = 10.0
NEXT_CHARACTERS: Final = 512
HOME: Final = "/"
DONE: Final = "/logout/done"

_log = logging.getLogger(__name__)
# Authlib writes the PKCE verifier to its debug log, f-string and all; no level of ours may bring that out.
logging.getLogger("authlib").setLevel(logging.INFO)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginAttempt:
    """How a login ended that began here: ``reason`` is None where it succeeded.

    ``subject`` is whom the issuer named, None where it named nobody; ``access`` is who that is in Kesos.
    """

    request_id: str
    subject: str | None = None
    access: Access | None = None
    reason: str | None = None


OnLogin = Callable[[LoginAttempt], Awaitable[None]]


class LoginFailed(Exception):
    """There is no session; ``reason`` says why in one stable word, ``detail`` tells the operator more."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail


def _unverified(refusal: Unauthenticated, of_token: str) -> LoginFailed:
    unavailable = refusal.reason == KEYS_UNAVAILABLE
    return LoginFailed(UNAVAILABLE if unavailable else UNVERIFIED, f"{of_token}{refusal.reason}")


def site_path(wanted: str | None) -> str:
    """``wanted``, where it is a path of this site that a browser may be sent to after login; else the first page."""
    if wanted is None or len(wanted) > NEXT_CHARACTERS or not wanted.isprintable() or "\\" in wanted:
        return HOME
    # Two slashes begin another host. A path of the login itself would lead round in circles.
    if not wanted.startswith("/") or wanted.startswith(("//", "/login", "/logout")):
        return HOME
    return wanted


def _client_secret_basic(client: Any, _method: str, uri: str, headers: Any, body: Any) -> tuple[str, Any, Any]:
    """HTTP Basic as OAuth has it: both halves are form-encoded first (RFC 6749, 2.3.1), which Authlib leaves out."""
    pair = f"{quote_plus(client.client_id)}:{quote_plus(client.client_secret)}"
    headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    return uri, headers, body


class _Client(StarletteOAuth2App):  # type: ignore[misc]  # Authlib ships no types
    """Authlib's client, which asks our discovery where the issuer is, and our keys whether it has signed."""

    def __init__(self, settings: Settings, discovery: Discovery, keys: KeySource) -> None:
        secret = settings.client_secret
        super().__init__(
            StarletteIntegration(NAME),
            NAME,
            client_id=settings.client_id,
            client_secret=None if secret is None else secret.get_secret_value(),
            client_auth_methods=[("client_secret_basic", _client_secret_basic)],
            client_kwargs={
                "scope": "openid",
                "code_challenge_method": "S256",
                "timeout": PROVIDER_SECONDS,
                "trust_env": not is_local(settings.issuer or ""),
            },
        )
        self._discovery = discovery
        self._keys = keys

    async def load_server_metadata(self) -> dict[str, Any]:
        # Not the whole document: Authlib hands each of its names on as an argument of its HTTP client.
        metadata = await self._discovery.metadata()
        return {
            "issuer": metadata.issuer,
            "authorization_endpoint": metadata.authorization_endpoint,
            "token_endpoint": metadata.token_endpoint,
            "end_session_endpoint": metadata.end_session_endpoint,
        }

    async def parse_id_token(self, token: dict[str, Any], nonce: str, **_options: Any) -> UserInfo:
        header, claims = await verify_id_token(token["id_token"], self._keys)
        metadata = await self._discovery.metadata()
        wanted = {
            "iss": {"essential": True, "value": metadata.issuer},
            "aud": {"essential": True, "value": self.client_id},
            "sub": {"essential": True},
        }
        parameters = {"nonce": nonce, "client_id": self.client_id, "access_token": token["access_token"]}
        CodeIDToken(claims, header, wanted, parameters).validate(leeway=LEEWAY_SECONDS)
        return UserInfo(claims)


class _Visit:
    """One request of a browser, and what is known of its login so far."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.id = request_id(request.scope)
        self.language = preferred_language(request.headers.get("accept-language"))
        self.began_here = False
        self.next_path = HOME
        self.subject: str | None = None


Handler = Callable[[_Visit], Awaitable[Response]]


class Login:
    """The pages /login, /login/callback, /logout and /logout/done."""

    def __init__(
        self,
        settings: Settings,
        *,
        keys: KeySource,
        authenticator: Authenticator,
        sessions: Sessions,
        on_login: OnLogin,
    ) -> None:
        """Log browsers in at the issuer of ``settings``, and tell ``on_login`` how each attempt ended.

        Raises:
            ValueError: the settings name no issuer or no client.
        """
        if settings.issuer is None or settings.client_id is None:
            raise ValueError("Browser login needs KESOS_ISSUER and KESOS_CLIENT_ID.")
        self._discovery = Discovery(settings.issuer)
        self._client = _Client(settings, self._discovery, keys)
        self._verifier = TokenVerifier(issuer=settings.issuer, audience=settings.audience, keys=keys)
        self._authenticator = authenticator
        self._sessions = sessions
        self._flow = sessions.cookie("kesos-login")
        self._on_login = on_login
        # What a token is asked for is named by a URI (RFC 8707); an audience that is none is known by our address.
        self._resource = settings.audience if urlsplit(settings.audience).scheme else sessions.origin

    def routes(self) -> list[Route]:
        """The routes of the pages."""
        return [
            Route("/login", self._answering(self._begin), methods=["GET"]),
            Route("/login/callback", self._answering(self._finish, ends_flow=True), methods=["GET"]),
            Route("/logout", self._answering(self._ask_to_log_out), methods=["GET"]),
            Route("/logout", self._answering(self._log_out), methods=["POST"]),
            Route("/logout/done", self._answering(self._logged_out), methods=["GET"]),
        ]

    def _answering(self, handler: Handler, *, ends_flow: bool = False) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            visit = _Visit(request)
            try:
                response = await self._answer(visit, handler)
            except Exception:  # noqa: BLE001  (whatever it is, the person gets a finished page and the log the trace)
                _log.exception("login failed", extra={"request_id": visit.id})
                response = failure_page(visit.language, INTERNAL, "", visit.id)
            if ends_flow:
                self._flow.delete(response)
            return response

        return endpoint

    async def _answer(self, visit: _Visit, handler: Handler) -> Response:
        try:
            return await handler(visit)
        except IssuerUnavailable:
            failure = LoginFailed(UNAVAILABLE)
        except LoginFailed as failed:
            failure = failed
        extra = {"reason": failure.reason, "detail": failure.detail, "request_id": visit.id}
        _log.warning("nobody was logged in", extra=extra)
        # An answer to a login that did not begin here may be anybody's noise; it is no event of the audit.
        if visit.began_here:
            await self._on_login(LoginAttempt(request_id=visit.id, subject=visit.subject, reason=failure.reason))
        return failure_page(visit.language, failure.reason, failure.detail, visit.id, visit.next_path)

    async def _begin(self, visit: _Visit) -> Response:
        flow = visit.request.scope["session"] = {"next": site_path(visit.request.query_params.get("next"))}
        callback = f"{self._sessions.origin}/login/callback"
        response: Response = await self._client.authorize_redirect(visit.request, callback, resource=self._resource)
        self._flow.write(response, flow, int(time.time()) + FLOW_SECONDS)
        return response

    async def _finish(self, visit: _Visit) -> Response:
        request = visit.request
        flow = self._flow.read(request) or {}
        if await self._client.framework.get_state_data(flow, request.query_params.get("state")) is None:
            raise LoginFailed(EXPIRED)
        visit.began_here, visit.next_path = True, flow["next"]
        request.scope["session"] = flow
        self._check_answering_issuer(request, await self._discovery.metadata())
        if not request.query_params.keys() & {"code", "error"}:
            raise LoginFailed(REFUSED)
        token, subject = await self._exchange(request)
        try:
            verified = await self._verifier.verify(token)
            if verified.subject != subject:
                raise LoginFailed(UNVERIFIED, "SUBJECTS_DIFFER")
            visit.subject = subject
            access = await self._authenticator.authenticate(token)
        except Unauthenticated as refusal:
            if refusal.reason == PRINCIPAL_UNKNOWN:
                return await self._unknown(visit, subject)
            raise _unverified(refusal, "") from None
        response = RedirectResponse(visit.next_path, 303)
        try:
            self._sessions.begin(response, token, verified.expires)
        except CookieTooLarge:
            raise LoginFailed(TOO_LARGE) from None
        await self._on_login(LoginAttempt(request_id=visit.id, subject=subject, access=access))
        return response

    @staticmethod
    def _check_answering_issuer(request: Request, metadata: IssuerMetadata) -> None:
        """Where answers name their issuer (RFC 9207), this one must name ours."""
        named = request.query_params.get("iss")
        if named != metadata.issuer and (named is not None or metadata.answers_name_issuer):
            raise LoginFailed(UNVERIFIED, "ISSUER_DIFFERS")

    async def _exchange(self, request: Request) -> tuple[str, str]:
        """The access token for the code of ``request``, and the subject of the ID token that came with it."""
        try:
            async with asyncio.timeout(PROVIDER_SECONDS):
                answer = await self._client.authorize_access_token(request, resource=self._resource)
        except OAuthError as error:
            raise LoginFailed(DENIED if error.error == "access_denied" else REFUSED) from None
        except Unauthenticated as refusal:
            raise _unverified(refusal, "ID_") from None
        except JoseError as error:
            raise LoginFailed(UNVERIFIED, f"ID_TOKEN_{error.error.upper()}") from None
        except (httpx2.HTTPError, TimeoutError) as error:
            raise LoginFailed(UNAVAILABLE, type(error).__name__) from None
        except IssuerUnavailable:
            raise
        except Exception as error:  # noqa: BLE001  (no JSON, no object, no names in it: what an answer may lack has no end)
            raise LoginFailed(UNVERIFIED, type(error).__name__) from None
        token, identity = answer.get("access_token"), answer.get("userinfo")
        # Authlib passes over an answer without an ID token.
        if identity is None:
            raise LoginFailed(UNVERIFIED, "ID_TOKEN_MISSING")
        if not isinstance(token, str):
            raise LoginFailed(UNVERIFIED, "ACCESS_TOKEN_MISSING")
        return token, identity["sub"]

    async def _unknown(self, visit: _Visit, subject: str) -> Response:
        await self._on_login(LoginAttempt(request_id=visit.id, subject=subject, reason=PRINCIPAL_UNKNOWN))
        response = unknown_page(visit.language, subject)
        self._sessions.end(response)
        return response

    async def _ask_to_log_out(self, visit: _Visit) -> Response:
        url = urlsplit(await self._end_session_url() or "")
        return logout_page(visit.language, (f"{url.scheme}://{url.netloc}",) if url.netloc else ())

    async def _log_out(self, visit: _Visit) -> Response:
        if not self._sessions.is_same_origin(visit.request):
            raise LoginFailed(CrossSiteRequest.code)
        response = RedirectResponse(await self._end_session_url() or DONE, 303)
        # GraphiQL keeps what was asked, and tokens that were pasted into it.
        response.headers["clear-site-data"] = '"storage"'
        self._sessions.end(response)
        return response

    async def _end_session_url(self) -> str | None:
        """Where the issuer ends its own session; None where it has no such page, or does not answer."""
        try:
            if (await self._discovery.metadata()).end_session_endpoint is None:
                return None
        except IssuerUnavailable:
            return None
        # By client id, not by ID token: a token in an address would lie in histories and logs.
        made = await self._client.create_logout_url(f"{self._sessions.origin}{DONE}", client_id=self._client.client_id)
        url: str = made["url"]
        return url

    @staticmethod
    async def _logged_out(visit: _Visit) -> Response:
        return signed_out_page(visit.language)
