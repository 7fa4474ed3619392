"""Rules: the row that is locked, and versions that are only ever added."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
import orjson

from automation.domain.rule import Progress, RuleBook, RuleState, RuleUnknown, RuleVersion, StoreRule, SwitchRule
from automation.domain.trigger import client_of
from chassis.events.unit import Unit
from chassis.rules import Tree
from schemas.event import Event

EVERYBODY = "all"
VERSIONS_KEPT = 10_000
Identity = tuple[UUID, int]


Making = tuple[UUID, int, datetime]
"""A version and when it was made: after a rewind another one may have its number, but was made later."""


class Book:
    """The active rules, for deciding only. In one database versions are for ever: what was read is kept compiled.

    An image put back leaves the database its identity, and what was asked of the one before may be answered late: so
    what is kept is known by when it was made, too.
    """

    def __init__(self) -> None:
        self._versions: dict[Making, RuleVersion] = {}
        self._last: tuple[tuple[Making, ...], RuleBook] = ((), RuleBook())
        self._database = ""

    def key(self, message: Event) -> str | None:
        return None if client_of(message) is None else EVERYBODY

    async def load(self, unit: Unit, messages: Sequence[Event]) -> Mapping[str, RuleBook]:  # noqa: ARG002 - the same for all
        rows = await unit.connection.fetch(
            "select r.id, r.version, v.made_at from rules r"
            " join rule_versions v on (v.rule_id, v.version) = (r.id, r.version) where v.active order by r.number"
        )
        if unit.identity != self._database:  # set back or failed over: other versions under the same numbers
            self._versions, self._last, self._database = {}, ((), RuleBook()), unit.identity
        wanted = tuple((row["id"], row["version"], row["made_at"]) for row in rows)
        last, book = self._last
        if wanted != last:
            book = await self._open(unit, wanted)
            self._last = (wanted, book)
        return {EVERYBODY: book}

    async def save(self, unit: Unit, states: Sequence[RuleBook]) -> None:
        """Decisions only read the book."""

    async def _open(self, unit: Unit, wanted: Sequence[Making]) -> RuleBook:
        found = {making: self._versions[making] for making in wanted if making in self._versions}
        missing = [making for making in wanted if making not in found]
        if missing:
            read = {(version.rule_id, version.version): version for version in await _versions(unit, missing)}
            found |= {making: read[making[:2]] for making in missing}
        if len(self._versions) + len(missing) > VERSIONS_KEPT:
            self._versions.clear()
        self._versions |= found
        return RuleBook([found[making] for making in wanted])


class Rules:
    """One rule by its id, locked, for the commands."""

    def key(self, message: StoreRule | SwitchRule) -> UUID:
        return message.rule_id

    async def load(self, unit: Unit, messages: Sequence[StoreRule | SwitchRule]) -> Mapping[UUID, RuleState]:
        wanted = sorted({message.rule_id for message in messages})
        await unit.connection.execute("insert into rules (id) select unnest($1::uuid[]) on conflict do nothing", wanted)
        rows = await unit.connection.fetch(
            "select id, version from rules where id = any($1::uuid[]) order by id for update", wanted
        )
        versions = await _versions(unit, [(row["id"], row["version"]) for row in rows])
        current = {version.rule_id: version for version in versions}
        return {rule_id: RuleState(rule_id, current.get(rule_id)) for rule_id in wanted}

    async def save(self, unit: Unit, states: Sequence[RuleState]) -> None:
        made = [state.made for state in states if state.made]
        if not made:
            return
        now = await unit.now()
        await unit.connection.copy_records_to_table(
            "rule_versions",
            columns=(
                "rule_id", "version", "name", "event_type", "conditions", "actions", "active", "since",
                "made_at", "made_by",
            ),
            records=[
                (
                    rule.rule_id, rule.version, rule.name, rule.on, rule.when.model_dump_json(),
                    orjson.dumps(rule.then).decode(), rule.active, rule.since, now, unit.cause.actor,
                )
                for rule in made
            ],
        )  # fmt: skip
        await unit.connection.execute(
            "update rules r set version = n.version from unnest($1::uuid[], $2::bigint[]) n(id, version)"
            " where r.id = n.id",
            [rule.rule_id for rule in made],
            [rule.version for rule in made],
        )
        await unit.connection.copy_records_to_table(
            "rule_positions",
            columns=("rule_id", "version", "source", "lane", "incarnation", "sequence"),
            records=[
                (rule.rule_id, rule.version, rule.source, lane, incarnation, sequence)
                for rule in made
                if rule.since == rule.version
                for lane, (incarnation, sequence) in rule.positions.items()
            ],
        )


async def lock_progress(unit: Unit) -> Progress:
    """Lock where all lanes stand, in the order of batches, and return the positions that are not the first."""
    rows = await unit.connection.fetch(
        "select source, lane, incarnation, sequence from chassis.progress where subscription = 'main'"
        " order by source, lane for update"
    )
    found: dict[str, dict[int, tuple[int, int]]] = {}
    for row in rows:
        if row["sequence"] > 0:
            found.setdefault(row["source"], {})[row["lane"]] = (row["incarnation"], row["sequence"])
    return found


async def get_rule(unit: Unit, rule_id: UUID) -> RuleVersion:
    """Return a rule as it is now. Raises RuleUnknown."""
    number = await unit.connection.fetchval("select version from rules where id = $1", rule_id)
    found = await _versions(unit, [(rule_id, number)]) if number else []
    if not found:
        raise RuleUnknown
    return found[0]


async def list_rules(
    unit: Unit, after: int, limit: int, *, active: bool | None, event_type: str | None
) -> list[asyncpg.Record]:
    """Return rows of rules (number, id, version) after a number, the oldest first."""
    return await unit.connection.fetch(
        "select r.number, r.id, r.version from rules r"
        " join rule_versions v on (v.rule_id, v.version) = (r.id, r.version)"
        " where r.number > $1 and ($3::boolean is null or v.active = $3) and ($4::text is null or v.event_type = $4)"
        " order by r.number limit $2",
        after,
        limit,
        active,
        event_type,
    )


async def count_rules(unit: Unit, *, active: bool | None, event_type: str | None) -> int:
    """Return how many rules there are."""
    return int(
        await unit.connection.fetchval(
            "select count(*) from rules r join rule_versions v on (v.rule_id, v.version) = (r.id, r.version)"
            " where ($1::boolean is null or v.active = $1) and ($2::text is null or v.event_type = $2)",
            active,
            event_type,
        )
    )


async def list_versions(unit: Unit, wanted: Sequence[Identity]) -> list[RuleVersion]:
    """Return versions in the order they were asked for."""
    found = {(version.rule_id, version.version): version for version in await _versions(unit, wanted)}
    return [found[identity] for identity in wanted if identity in found]


async def _versions(unit: Unit, wanted: Sequence[Identity | Making]) -> list[RuleVersion]:
    rows = await unit.connection.fetch(
        "select v.*, p.* from rule_versions v join unnest($1::uuid[], $2::bigint[]) k(rule_id, version)"
        " using (rule_id, version) cross join lateral (select array_agg(lane) as lanes,"
        " array_agg(incarnation) as incarnations, array_agg(sequence) as sequences from rule_positions p"
        " where (p.rule_id, p.version) = (v.rule_id, v.since)) p order by v.rule_id, v.version",
        [rule_id for rule_id, *_ in wanted],
        [version for _, version, *_ in wanted],
    )
    return [_version(row) for row in rows]


def _version(row: asyncpg.Record) -> RuleVersion:
    places = zip(row["incarnations"] or (), row["sequences"] or (), strict=True)
    return RuleVersion(
        row["rule_id"], row["version"], row["name"], row["event_type"], Tree.model_validate_json(row["conditions"]),
        tuple(orjson.loads(row["actions"])), row["active"], row["since"],
        dict(zip(row["lanes"] or (), places, strict=True)),
    )  # fmt: skip
