"""What ``verify`` proves about the tables of this service."""

from typing import Final

from chassis.service import Check

CHECKS: Final = (
    Check(
        "client numbers have no gaps",
        "select count(*) from clients",
        """
        select 'client ' || number || ' where ' || place || ' was expected' as what
        from (select number, row_number() over (order by number) as place from clients) numbered
        where number <> place
        union all
        select 'the series stands at ' || last_number || ', the last client has ' || last
        from series, (select coalesce(max(number), 0) as last from clients) given
        where name = 'clients' and last_number <> last
        """,
    ),
    Check(
        "linked identities have a stored client",
        "select count(*) from identities where client_id is not null",
        """
        select 'identity ' || i.id || ' points to client ' || i.client_id as what
        from identities i
        where i.client_id is not null and not exists (select from clients c where c.id = i.client_id)
        """,
    ),
    Check(
        "an IČO has one client",
        "select count(*) from clients where ico <> ''",
        """
        select 'clients ' || string_agg(number::text, ', ' order by number) || ' have one IČO' as what
        from clients
        where ico <> ''
        group by ico
        having count(*) > 1
        """,
    ),
    Check(
        "cards are as they were published last",
        "select count(*) from clients",
        """
        select 'client ' || c.number || ' has version ' || c.version || ', published ' || coalesce(e.version, 0) as what
        from clients c
        left join lateral (
            select version, convert_from(body, 'utf8')::jsonb -> 'client' as client
            from chassis.events
            where subject = c.id
            order by version desc
            limit 1
        ) e on true
        where (c.version, c.number::text, c.status, c.starred::text) is distinct from
            (e.version, e.client ->> 'number', e.client ->> 'status', e.client ->> 'starred')
        """,
    ),
    Check(
        "links are as they were published last",
        "select count(*) from identities",
        """
        select 'identity ' || i.id || ' has version ' || i.version || ', published ' || coalesce(e.version, 0) as what
        from identities i
        left join lateral (
            select version, (convert_from(body, 'utf8')::jsonb ->> 'client_id')::uuid as client_id
            from chassis.events
            where subject = i.id
            order by version desc
            limit 1
        ) e on true
        where (i.version, i.client_id) is distinct from (coalesce(e.version, 0), e.client_id)
        """,
    ),
    Check(
        "what a person unlinked has no client",
        "select count(*) from identities where unlinked_by_hand",
        """
        select 'identity ' || id || ' was unlinked by hand and has a client' as what
        from identities
        where unlinked_by_hand and client_id is not null
        """,
    ),
    Check(
        "tasks were published",
        "select count(*) from tasks",
        """
        select 'task ' || t.id || ' was never published for its client' as what
        from tasks t
        where not exists (
            select from chassis.events e
            where e.subject = t.id and e.key = t.client_id and e.type = 'clients.task_created.v1'
        )
        """,
    ),
    Check(
        "orders are counted for stored clients",
        "select count(*) from order_copies where present",
        """
        select 'order ' || o.order_id || ' is counted for client ' || o.client_id as what
        from order_copies o
        where o.present and not exists (select from clients c where c.id = o.client_id)
        """,
    ),
    Check(
        "an order is counted for one client",
        "select count(distinct order_id) from order_copies where present",
        """
        select 'order ' || order_id || ' is counted for ' || count(*) || ' clients' as what
        from order_copies
        where present
        group by order_id
        having count(*) > 1
        """,
    ),
    Check(
        "only paid orders bring revenue",
        "select count(*) from order_copies",
        """
        select 'order ' || order_id || ' brings revenue to client ' || client_id as what
        from order_copies
        where revenue <> 0 and not (paid and present)
        """,
    ),
)

COPIES: Final = {
    "orders": "select order_id, client_id, version, revenue, kind from order_copies where present order by order_id",
}
