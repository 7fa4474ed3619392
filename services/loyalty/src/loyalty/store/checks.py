"""What ``verify`` proves about loyalty, and what it compares with other services."""

from chassis.service import Check
from loyalty.store.programme import NOW

CHECKS = (
    Check(
        "loyalty.balance-is-sum-of-entries",
        "select count(*) from accounts",
        "select 'account ' || a.client_id as what from accounts a"
        " left join (select client_id, sum(points) as points from entries group by client_id) e using (client_id)"
        " where a.points <> coalesce(e.points, 0)",
    ),
    Check(
        "loyalty.entries-carry-the-balance",
        "select count(*) from entries",
        "select 'entry ' || id as what from (select id, balance, sum(points) over (partition by client_id"
        " order by number) as running from entries) e where balance <> running",
    ),
    Check(
        "loyalty.order-bears-its-entries",
        "select count(*) from order_copies",
        "select 'order ' || order_id || ' of account ' || client_id as what from order_copies o"
        " full join (select client_id, order_id, sum(points) as points from entries where kind = 'order'"
        " group by client_id, order_id) e using (client_id, order_id)"
        " where coalesce(o.points, 0) <> coalesce(e.points, 0)",
    ),
    Check(
        "loyalty.order-bears-what-it-should",
        "select count(*) from order_copies",
        # div() and mod() are exact where numeric division is not; the rate is above zero
        "select 'order ' || o.order_id || ' of account ' || o.client_id as what from order_copies o"
        " left join programmes p on p.version = o.programme_version and o.present and o.paid_at is not null,"
        " lateral (select o.total - o.refunded as amount, (p.rates ->> o.currency)::numeric as rate) d"
        " where o.points <> coalesce(div(d.amount, d.rate) - (mod(d.amount, d.rate) < 0)::int, 0)"
        " or (p.version is not null and d.rate is null)",
    ),
    Check(
        "loyalty.tier-follows-points",
        "select count(*) from accounts",
        "select 'account ' || a.client_id as what from accounts a, (select"  # noqa: S608 - see NOW
        " (tiers ->> 'silver')::bigint as silver, (tiers ->> 'gold')::bigint as gold from programmes"
        f" where valid_from <= {NOW} order by valid_from desc, version desc limit 1) t"
        " where a.tier <> case when a.points >= t.gold then 'gold' when a.points >= t.silver then 'silver'"
        " else 'bronze' end",
    ),
    Check(
        "loyalty.every-version-was-published",
        "select count(*) from accounts",
        "select 'account ' || a.client_id as what from accounts a left join (select subject, count(*) as events,"
        " max(version) as version from chassis.events where type in ('loyalty.points_earned.v1',"
        " 'loyalty.points_taken_back.v1', 'loyalty.tier_reached.v1') group by subject) e on e.subject = a.client_id"
        " where a.version <> coalesce(e.events, 0) or a.version <> coalesce(e.version, 0)",
    ),
    Check(
        "loyalty.programmes-without-gaps",
        "select count(*) from programmes",
        "select 'programme ' || version as what from (select version, row_number() over (order by version) as n"
        " from programmes) p where version <> n",
    ),
)

COPIES = {
    "orders": "select order_id, client_id, version, case when paid_at is null then 0 else total - refunded end"
    " as revenue, kind from order_copies where present order by order_id"
}
"""What ``verify`` compares with the orders service's own truth."""
