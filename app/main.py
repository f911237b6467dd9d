"""The ASGI application: routes, lifespan and what they are composed of."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.routing import Route

from app.authz.authentication import Authenticator
from app.authz.enforcer import load_role_matrix
from app.domain.registry.sealing import Seal
from app.schema.root import api
from app.settings import Settings
from app.tenants.server import DatabaseServer
from app.tenants.session import Database
from app.web.endpoint import GraphQLEndpoint


async def _home(_request: Request) -> RedirectResponse:
    return RedirectResponse("/graphql")


def create_app(settings: Settings, server: DatabaseServer) -> Starlette:
    """The application over ``server``, which is running, migrated and holds the region tree."""
    database = Database(server.app, read_pool_size=settings.read_pool_size, write_pool_size=settings.write_pool_size)
    endpoint = GraphQLEndpoint(
        api(),
        database=database,
        authenticator=Authenticator.of_settings(settings, database, load_role_matrix()),
        seal=Seal.of_settings(settings),
        test_nik_provinces=settings.nik_provinces_for_tests,
        graphiql=settings.is_development,
    )

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        await database.open()
        try:
            yield
        finally:
            await database.close()

    return Starlette(routes=[Route("/", _home), Route("/graphql", endpoint)], lifespan=lifespan)
