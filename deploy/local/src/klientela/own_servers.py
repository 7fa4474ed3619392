"""A PostgreSQL and a Kafka of the user's own: named by the environment, looked at before a start, never run by us."""

import asyncio
import logging
from collections.abc import Iterable, Mapping

import asyncpg
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from klientela.errors import Refusal
from klientela.services import KAFKA_VARIABLE, SERVICES, Service

PATIENCE = 10.0
OLDEST = 18
"""The PostgreSQL that the services are tested on."""

VARIABLES = {"kafka": KAFKA_VARIABLE} | {service.name: service.database_variable for service in SERVICES}
"""The variables that name servers of the user's own, by what is there."""

ABOUT = """
    select current_setting('server_version_num')::int / 10000 as version,
        current_setting('server_encoding') as encoding,
        has_database_privilege(current_database(), 'create') and has_schema_privilege('public', 'create') as may_create,
        (select system_identifier from pg_control_system()) || '/' || current_database() as identity
"""


def own_parts(environment: Mapping[str, str]) -> tuple[str, ...]:
    """What the environment says is elsewhere: `kafka`, and the names of services whose database is."""
    return tuple(part for part, variable in VARIABLES.items() if environment.get(variable))


def check_own_servers(environment: Mapping[str, str]) -> None:
    """Refuse a start on servers that cannot carry the suite, each with a sentence."""
    findings = asyncio.run(_findings(environment))
    if findings:
        raise Refusal("\n".join(findings))


async def _findings(environment: Mapping[str, str]) -> list[str]:
    named = [service for service in SERVICES if environment.get(service.database_variable)]
    looked = await asyncio.gather(*(_look(service, environment[service.database_variable]) for service in named))
    bootstrap = environment.get(KAFKA_VARIABLE)
    found = [fault for _, fault in looked if fault] + (
        [fault] if bootstrap and (fault := await _ask(bootstrap)) else []
    )
    return found + list(_shared(zip(named, (identity for identity, _ in looked), strict=True)))


async def _look(service: Service, dsn: str) -> tuple[str, str]:
    """Which database an address leads to, and what is wrong with it."""
    name = service.database_variable
    try:
        connection = await asyncpg.connect(dsn, timeout=PATIENCE)
    except asyncpg.InvalidCatalogNameError:
        return "", f"The database that {name} names does not exist. Make it, for the role that {name} names."
    except asyncpg.InvalidAuthorizationSpecificationError as error:
        return "", f"PostgreSQL does not let in whom {name} names: {error}."
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        return "", f"The database that {name} names cannot be reached: {str(error) or type(error).__name__}."
    try:
        about = await connection.fetchrow(ABOUT)
    except asyncpg.PostgresError as error:
        return "", f"The database that {name} names cannot be asked: {error}."
    finally:
        await connection.close()
    return (about["identity"], _fault(name, about)) if about else ("", f"{name} leads to no PostgreSQL.")


def _fault(name: str, about: asyncpg.Record) -> str:
    if about["version"] < OLDEST:
        return f"{name} names a PostgreSQL {about['version']}; Klientela needs {OLDEST} or newer."
    if about["encoding"] != "UTF8":
        return f"The database that {name} names is encoded as {about['encoding']}; make one with the encoding UTF8."
    if not about["may_create"]:
        return f"The role that {name} names may not make tables there; let it own the database."
    return ""


def _shared(identities: Iterable[tuple[Service, str]]) -> Iterable[str]:
    """Two services never share a database: their tables would meet."""
    owners: dict[str, Service] = {}
    for service, identity in identities:
        first = owners.setdefault(identity, service)
        if identity and first is not service:
            names = f"{first.database_variable} and {service.database_variable}"
            yield f"{names} name the same database; each service needs one of its own."


async def _ask(bootstrap: str) -> str:
    """What is wrong with a Kafka."""
    logging.getLogger("aiokafka").addHandler(logging.NullHandler())  # what it would say, the sentence below says
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=int(PATIENCE * 1000))
    try:
        async with asyncio.timeout(PATIENCE):
            await admin.start()
            await admin.list_topics()
    except (OSError, TimeoutError, KafkaError, ValueError) as error:
        return (
            f"The Kafka that {KAFKA_VARIABLE} names ({bootstrap}) does not answer ({type(error).__name__}). It has to "
            "be a list host:port of brokers without TLS and passwords, reachable by the names that they advertise."
        )
    finally:
        await admin.close()
    return ""
