"""What must always be true of the orders, told in SQL that names whoever breaks it."""

from chassis.service import Check

_ORDERS = "select count(*) from orders"

CHECKS = (
    Check(
        "orders.order-version-is-that-of-its-last-event",
        _ORDERS,
        "select 'order ' || o.id || ' has version ' || o.version as what from orders o"
        " left join last_order_events l on l.subject = o.id where l.version is distinct from o.version",
    ),
    Check(
        "orders.order-key-is-the-lane-key-of-its-last-event",
        _ORDERS,
        "select 'order ' || o.id as what from orders o join last_order_events l on l.subject = o.id"
        " where l.key <> coalesce(o.client_id, o.identity_id)",
    ),
    Check(
        "orders.order-is-as-its-last-event-says",
        _ORDERS,
        "with said as (select subject, convert_from(body, 'UTF8')::jsonb -> 'order' as said from last_order_events)"
        " select 'order ' || o.id as what from orders o join said s on s.subject = o.id"
        " where s.said ->> 'assigned_by' is distinct from o.assigned_by or s.said ->> 'state' <> o.state"
        " or (s.said #>> '{total,amount}')::numeric <> o.total or s.said #>> '{total,currency}' <> o.currency"
        " or (s.said #>> '{refunded,amount}')::numeric <> o.refunded"
        " or (s.said ->> 'paid_at')::timestamptz is distinct from o.paid_at",
    ),
    Check(
        "orders.order-is-as-its-channel-told",
        _ORDERS,
        "select 'order ' || o.id as what from orders o left join (select order_id, max(at) filter (where gone) as gone,"
        " max(at) filter (where not gone) as back from sightings group by order_id) s on s.order_id = o.id"
        " where o.state <> case when s.gone >= greatest(s.back, o.made_at) then 'cancelled' else o.told_state end"
        " or (o.placed_open and o.placed_at <> o.first_placed_at)"
        " or (o.paid_open and o.paid_at is distinct from o.first_paid_at)",
    ),
    Check(
        "orders.order-follows-its-identity-unless-an-operator-said-otherwise",
        "select count(*) from orders where assigned_by is distinct from 'operator'",
        "select 'order ' || o.id as what from orders o left join identity_links l on l.id = o.identity_id"
        " where o.assigned_by is distinct from 'operator'"
        " and (l.id is null or l.client_id is distinct from o.client_id)",
    ),
    Check(
        "orders.paid-is-announced-once",
        "select count(*) from orders where paid_at is not null",
        "select 'order ' || o.id as what from orders o left join (select subject, count(*) as times from chassis.events"
        " where type = 'orders.order_paid.v1' group by subject) p on p.subject = o.id"
        " where coalesce(p.times, 0) <> o.paid_announced::int or (not o.paid_announced and o.kind = 'order'"
        " and o.paid_at is not null and o.client_id is not null)",
    ),
    Check(
        "orders.nothing-is-refunded-below-zero",
        _ORDERS,
        "select 'order ' || id as what from orders where refunded < 0 or (kind = 'refund' and total > 0)",
    ),
    Check(
        "orders.identity-is-linked-to-a-known-client",
        "select count(*) from identity_links where client_id is not null",
        "select 'identity ' || l.id as what from identity_links l left join cards c on c.id = l.client_id"
        " where l.client_id is not null and coalesce(c.version, 0) = 0",
    ),
    Check(
        "orders.product-version-is-that-of-its-last-event",
        "select count(*) from products",
        "select 'product ' || p.sku as what from products p left join (select convert_from(body, 'UTF8')::jsonb"
        " #>> '{product,sku}' as sku, max(version) as version from chassis.events"
        " where type = 'orders.product_changed.v1' group by 1) e on e.sku = p.sku"
        " where e.version is distinct from p.version",
    ),
    Check(
        "orders.opportunity-was-opened-once",
        "select count(*) from opportunities",
        "select 'opportunity ' || o.id as what from opportunities o left join (select subject, count(*) as times"
        " from chassis.events where type = 'orders.opportunity_opened.v1' group by 1) e on e.subject = o.id"
        " where coalesce(e.times, 0) <> 1",
    ),
)

COPIES: dict[str, str] = {
    "orders": "select id as order_id, client_id, version, case when paid_at is not null then total - refunded"
    " else 0 end as revenue, kind from orders where client_id is not null order by id",
}
"""What other services keep copies of: ``verify`` compares."""
