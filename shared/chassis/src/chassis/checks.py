"""What ``verify`` proves about the machinery of every service: its log, its relay, what it decided and what waits.

All of it is seen in one snapshot of the service's own database. What needs the databases of others as well (progress
against heads, copies against the truth) is proved by the command.
"""

from typing import Final

from chassis.service import Check

_GAPLESS = Check(
    "log-gapless",
    "select count(*) from chassis.events",
    """
    select 'lane ' || lane || ' has ' || events || ' events from ' || first || ' to ' || last || ', its head is '
        || head as what
    from (
        select lane, coalesce(head, 0) as head, coalesce(events, 0) as events, coalesce(first, 1) as first,
            coalesce(last, 0) as last
        from chassis.counters
        full join (
            select lane, count(*) as events, min(sequence) as first, max(sequence) as last
            from chassis.events
            group by lane
        ) log using (lane)
    ) lanes
    where not (first = 1 and events = last and last = head)
    order by lane
    """,
)
_CURSOR = Check(
    "cursor-not-beyond-head",
    "select count(*) from chassis.cursors",
    """
    select 'lane ' || lane || ' is published up to ' || sequence || ', its head is ' || coalesce(head, 0) as what
    from chassis.cursors
    left join chassis.counters using (lane)
    where sequence > coalesce(head, 0)
    order by lane
    """,
)
_ORDER = Check(
    "event-order",
    "select count(*) from chassis.events",
    """
    select 'lane ' || lane || ' at ' || sequence || ' goes back from incarnation ' || before || ' to ' || incarnation
        as what
    from (
        select lane, sequence, incarnation, lag(incarnation) over (partition by lane order by sequence) as before
        from chassis.events
    ) log
    where incarnation < before
    order by lane, sequence
    """,
)
_ONCE = Check(
    "derived-events-once",
    "select count(*) from chassis.events",
    """
    select 'event ' || id || ' stands in the log ' || count(*) || ' times' as what
    from (
        select id, cause_place, (
            select count(*) from chassis.rewinds r where r.source = split_part(e.cause_place, '/', 1) and r.at <= e.at
        ) as rewinds
        from chassis.events e
    ) log
    group by id, cause_place, rewinds
    having count(*) > 1
    order by id
    """,
)
_VERSIONS = Check(
    "versions-rise",
    "select count(*) from chassis.events where version > 0",
    """
    select 'subject ' || subject || ' in lane ' || lane || ' at ' || sequence || ' has version ' || version || ' after '
        || before as what
    from (
        select subject, lane, sequence, version,
            lag(version) over (partition by subject, lane order by incarnation, sequence) as before
        from chassis.events
        where version > 0
    ) log
    where version <= before
    order by lane, sequence
    """,
)
_DECIDED = Check(
    "requests-decided-once",
    "select count(*) from chassis.requests",
    """
    select 'request ' || id || ' was answered by ' || count(*) || ' events'
        || case when bool_and(known) then '' else ' and is not among the decided ones' end as what
    from (
        select request_id as id, exists (select from chassis.requests r where r.id = request_id) as known
        from chassis.events
        cross join lateral (select (convert_from(body, 'utf8')::jsonb ->> 'request_id')::uuid as request_id) said
        where cause_place like 'automation/%' and type not like 'automation.%' and request_id is not null
    ) answers
    group by id
    having count(*) > 1 or not bool_and(known)
    order by id
    """,
)
_PARKED = Check(
    "nothing-parked",
    "select count(*) from chassis.parked",
    """
    select handler || ' waits with ' || count(*) || ' events of key ' || key || ' since ' || min(parked_at) as what
    from chassis.parked
    group by subscription, handler, key
    order by min(parked_at)
    """,
)

CHECKS: Final = (_GAPLESS, _CURSOR, _ORDER, _ONCE, _VERSIONS, _DECIDED, _PARKED)

NOTES: Final = {
    "dead-letters": ("select count(*) from chassis.dead_letters where resolved_at is null", "open: see `dead-letters`"),
}
"""What is counted and shown, and is no fault of the machinery: bad data that waits for a person. Name: SQL, remark."""
