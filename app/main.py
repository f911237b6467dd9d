"""The ASGI application: what it is composed of, its routes, and what runs beside the requests."""

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager, nullcontext, suppress
from functools import partial
from http import HTTPStatus
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute

from app.authz.authentication import Authenticator, Unauthenticated
from app.authz.authorize import authorize, operator_access, public_access
from app.authz.behalf import access_of
from app.authz.enforcer import RoleMatrix, load_role_matrix
from app.authz.keys import issuer_keys
from app.authz.permissions import Permission
from app.domain.audit.seals import Sealer
from app.domain.audit.service import AuditLog
from app.domain.audit.streams import LEDGER
from app.domain.bansos.payments.links import BankFileLinks
from app.domain.bansos.payments.writing import kept_bank_files
from app.domain.documents.registry import DocumentRegistry
from app.domain.exports.links import ExportLinks
from app.domain.exports.service import ExportExpiry, kept_exports
from app.domain.jobs.models import JobState
from app.domain.leftovers import Leftovers
from app.domain.registry.sealing import Seal
from app.domain.uploads.service import Expiry, recorded_uploads
from app.domain.vault import Vault
from app.schema.documents import Documents
from app.schema.exports.desk import BANK_FILES_PATH, EXPORTS_PATH, ExportDesk
from app.schema.operations import Operations
from app.schema.root import api
from app.settings import Settings
from app.tenants.region_path import RegionPath
from app.tenants.replica import ReplicaSettings
from app.tenants.server import DatabaseServer
from app.tenants.session import Database
from app.web.bank_files import BankDownloads
from app.web.door import edge
from app.web.endpoint import GraphQLEndpoint
from app.web.execution import Execution
from app.web.exports import Downloads
from app.web.gate import Gate, Tarpit, Workshop
from app.web.graphiql import graphiql_page
from app.web.health import Readiness, operator_routes
from app.web.login import Login
from app.web.metrics import Metrics, Tally, Vital
from app.web.rates import Rates
from app.web.reception import Reception
from app.web.sessions import Sessions
from app.web.streams import STATE_NAME, Streams
from app.web.telemetry import Telemetry
from app.web.uploads import Uploads
from app.web.websocket import WebSocketEndpoint
from app.worker import Worker

GRAPHQL = "/graphql"
UPLOADS = "/uploads"
_EXPIRY_SECONDS = 600.0


async def _home(_request: Request) -> RedirectResponse:
    return RedirectResponse(GRAPHQL)


def create_app(
    settings: Settings, server: DatabaseServer, *, matrix: RoleMatrix | None = None, worker: Worker | None = None
) -> Starlette:
    """The application over ``server``, which is running, migrated and holds the region tree.

    ``matrix`` says what roles may do where that is not what ``policies/`` say. A ``worker`` works on jobs beside the requests.
    """
    matrix = matrix or load_role_matrix()
    telemetry = Telemetry.of_process()
    database = Database(
        server.app,
        read_pool_size=settings.read_pool_size,
        write_pool_size=settings.write_pool_size,
        statement_seconds=settings.statement_seconds,
        observer=telemetry.observer,
        replica=_replica(settings, server),
        pooler=server.pooler,
    )
    keys = issuer_keys(settings)
    authenticator = Authenticator.of_settings(settings, database, matrix, keys)
    audit, rates, tarpit, streams = AuditLog(database), Rates.of_settings(settings), Tarpit(), Streams()
    reception = Reception(authenticator, rates, audit)
    documents = Documents(DocumentRegistry(database), public=public_access(matrix), development=settings.is_development)
    vault = Vault.of_settings(settings)
    operations = Operations(
        api(),
        database=database,
        documents=documents,
        audit=audit,
        seal=Seal.of_settings(settings),
        exports=ExportDesk.of_settings(settings, api().planner, documents, vault),
        test_nik_provinces=settings.nik_provinces_for_tests,
        dukcapil_configured=settings.dukcapil_url is not None,
    )
    _watch(telemetry.metrics, database, audit, streams, rates)
    if worker is not None:
        telemetry.metrics.watch(Vital.JOBS_RUNNING, lambda: worker.running)
        telemetry.metrics.tally(Tally.JOBS_SUCCEEDED, lambda: worker.ended[JobState.SUCCEEDED])
        telemetry.metrics.tally(Tally.JOBS_FAILED, lambda: worker.ended[JobState.FAILED])
    workshop = Workshop()
    execution = Execution(
        operations,
        rates=rates,
        gate=Gate.of_settings(settings),
        workshop=workshop,
        request_seconds=settings.request_seconds,
    )
    sessions = Sessions.of_settings(settings) if settings.client_id is not None else None
    session_token = sessions.session_token if sessions is not None else lambda _request: None
    endpoint = GraphQLEndpoint(
        execution=execution,
        authenticator=authenticator,
        reception=reception,
        rates=rates,
        streams=streams,
        telemetry=telemetry,
        session_token=session_token,
        page=_page(settings, authenticator, documents, sessions),
    )
    sockets = WebSocketEndpoint(
        execution=execution,
        authenticator=authenticator,
        reception=reception,
        rates=rates,
        tarpit=tarpit,
        streams=streams,
        telemetry=telemetry,
        origins=settings.cors_origins,
        sessions=sessions,
    )
    uploads = Uploads.of_settings(
        settings,
        database=database,
        vault=vault,
        reception=reception,
        rates=rates,
        telemetry=telemetry,
        session_token=session_token,
    )
    downloads = Downloads(
        database,
        vault,
        ExportLinks.of_settings(settings),
        telemetry,
        lambda principal_id: access_of(database, principal_id, matrix),
    )
    bank_downloads = BankDownloads(
        database,
        vault,
        BankFileLinks.of_settings(settings),
        telemetry,
        lambda principal_id: access_of(database, principal_id, matrix),
    )
    routes: list[BaseRoute] = [
        Route("/", _home),
        Route(GRAPHQL, endpoint),
        Route(UPLOADS, uploads),
        Route(f"{EXPORTS_PATH}{{token}}", downloads),
        Route(f"{BANK_FILES_PATH}{{token}}", bank_downloads),
        WebSocketRoute(GRAPHQL, sockets),
        *operator_routes(settings, Readiness(database), telemetry.metrics),
    ]
    if sessions is not None:
        login = Login(settings, keys=keys, authenticator=authenticator, sessions=sessions, on_login=reception.logged_in)
        routes += login.routes()
    operator = operator_access(RegionPath.country(), matrix)
    of_seals = authorize(operator, Permission.AUDIT_EVENT_SEAL)
    sealer = Sealer(database, of_seals)
    ledger_sealer = Sealer(database, of_seals, LEDGER)
    of_exports, of_uploads = (
        authorize(operator, each) for each in (Permission.JOBS_JOB_READ, Permission.REGISTRY_IMPORT_RUN)
    )
    export_expiry = ExportExpiry(database, of_exports, vault)
    expiry = Expiry(database, of_uploads, vault)
    leftovers = Leftovers(
        vault,
        (
            partial(recorded_uploads, database, of_uploads),
            partial(kept_exports, database, of_exports),
            partial(kept_bank_files, database, of_exports),
        ),
    )

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[Mapping[str, Any]]:
        await database.open()
        # What is there now stays: a collection that looked through it again would hold up everybody.
        gc.collect()
        gc.freeze()
        try:
            async with (
                telemetry.running(),
                _beside(sealer.run, settings.seal_seconds),
                _beside(ledger_sealer.run, settings.seal_seconds),
                _beside(expiry.run, _EXPIRY_SECONDS),
                _beside(export_expiry.run, _EXPIRY_SECONDS),
                _beside(leftovers.run, _EXPIRY_SECONDS),
                worker.working() if worker is not None else nullcontext(),
            ):
                yield {STATE_NAME: streams}
        finally:
            workshop.close()
            await database.close()

    return Starlette(routes=routes, lifespan=lifespan, middleware=edge(settings, rates, tarpit))


def _replica(settings: Settings, server: DatabaseServer) -> ReplicaSettings | None:
    """The replica that answers queries; none where no answer may be old."""
    if server.replica is None or not settings.read_staleness_seconds:
        return None
    return ReplicaSettings(server.replica, settings.read_staleness_seconds)


def _watch(metrics: Metrics, database: Database, audit: AuditLog, streams: Streams, rates: Rates) -> None:
    """Let ``metrics`` look at what is busy in this process."""
    planner = api().planner
    metrics.watch(Vital.READS_IN_USE, lambda: database.load.reads)
    metrics.watch(Vital.READS_WAITING, lambda: database.load.waiting)
    metrics.watch(Vital.WRITES_IN_USE, lambda: database.load.writes)
    metrics.watch(Vital.AUDIT_BACKLOG, lambda: audit.backlog)
    metrics.watch(Vital.STREAMS, lambda: len(streams))
    metrics.tally(Tally.PLANS_REMEMBERED, lambda: planner.plans_remembered)
    metrics.tally(Tally.PLANS_MADE, lambda: planner.plans_made)
    metrics.tally(Tally.TURNED_AWAY, lambda: rates.turned_away)
    if (replica := database.replica) is not None:
        metrics.watch(Vital.REPLICA_STALENESS, lambda: replica.staleness_seconds)
        metrics.tally(Tally.READS_OF_REPLICA, lambda: replica.answers.of_replica)
        metrics.tally(Tally.READS_IN_ITS_PLACE, lambda: replica.answers.of_primary)


@asynccontextmanager
async def _beside(run: Callable[[float], Coroutine[Any, Any, None]], interval: float) -> AsyncIterator[None]:
    """Do ``run`` every ``interval`` seconds for as long as the context is open; never where that is 0."""
    if not interval:
        yield
        return
    running = asyncio.create_task(run(interval))
    try:
        yield
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


def _page(
    settings: Settings, authenticator: Authenticator, documents: Documents, sessions: Sessions | None
) -> Callable[[Request], Awaitable[Response | None]]:
    """What a browser sees that opens /graphql: GraphiQL for whoever may introspect, the login page for whoever is nobody yet."""

    async def page(request: Request) -> Response | None:
        if request.method != "GET" or "text/html" not in request.headers.get("accept", ""):
            return None
        if settings.is_development:
            return graphiql_page()
        if sessions is None:
            return None
        token = sessions.page_token(request)
        try:
            access = await authenticator.authenticate(token or "")
        except Unauthenticated:
            return RedirectResponse(f"/login?next={GRAPHQL}", HTTPStatus.SEE_OTHER)
        return graphiql_page() if documents.may_introspect(access) else None

    return page
