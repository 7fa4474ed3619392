"""What ``verify`` proves about automation, and what it compares with the owners of copies."""

from chassis.service import Check

COPIES: dict[str, str] = {
    "orders": "select order_id, client_id, version, revenue, kind from order_copies where present order by order_id",
}

_FACTS = Check(
    "automation.facts-follow-orders",
    "select count(*) from client_facts",
    "select f.client_id::text as what from client_facts f left join lateral (select"
    " count(*) filter (where kind = 'order') as orders, count(*) filter (where kind = 'order' and paid) as paid_orders,"
    " max(placed_at) filter (where kind = 'order') as last_order_at from order_copies c"
    " where c.client_id = f.client_id and c.present) t on true"
    " where (f.orders, f.paid_orders) <> (t.orders, t.paid_orders) or f.last_order_at is distinct from t.last_order_at",
)
_REVENUE = Check(
    "automation.revenue-follows-orders",
    "select count(*) from client_facts",
    "select coalesce(f.client_id, t.client_id)::text as what from (select client_id, e.key as currency,"
    " e.value::numeric as amount from client_facts, jsonb_each_text(revenue) e) f full join (select client_id,"
    " currency, sum(revenue) as amount from order_copies where present group by client_id, currency"
    " having sum(revenue) <> 0) t using (client_id, currency) where f.amount is distinct from t.amount",
)
_GAPLESS = Check(
    "automation.rule-versions-without-gaps",
    "select count(*) from rules",
    "select r.id::text as what from rules r left join rule_versions v on v.rule_id = r.id group by r.id"
    " having count(v.version) <> r.version or max(v.version) is distinct from r.version",
)
_ANNOUNCED = Check(
    "automation.rule-versions-announced",
    "select count(*) from rule_versions",
    "select v.rule_id || ' version ' || v.version as what from rule_versions v left join chassis.events e"
    " on e.subject = v.rule_id and e.version = v.version and e.type = 'automation.rule_changed.v1'"
    " group by v.rule_id, v.version having count(e.id) <> 1",
)
_REQUESTED = Check(
    "automation.runs-asked-once",
    "select count(*) from runs, jsonb_array_elements(steps) s where s ->> 'request_id' is not null",
    "select r.id || ' ' || (s ->> 'id') as what from runs r cross join jsonb_array_elements(r.steps) s"
    " left join chassis.events e on e.subject = (s ->> 'request_id')::uuid and e.key = r.client_id"
    " and e.causation = r.event_id where s ->> 'request_id' is not null group by r.id, s having count(e.id) <> 1",
)
_TRACED = Check(
    "automation.requests-have-runs",
    "select count(*) from chassis.events where type like 'automation.%_requested.v1'",
    "select e.subject::text as what from chassis.events e where e.type like 'automation.%_requested.v1' and not exists"
    " (select from runs r where r.event_id = e.causation and r.client_id = e.key"
    " and r.steps @> jsonb_build_array(jsonb_build_object('request_id', e.subject)))",
)
_POSITIONS = Check(
    "automation.positions-belong-to-switching-on",
    "select count(*) from rule_positions",
    "select p.rule_id || ' lane ' || p.lane as what from rule_positions p join rule_versions v using (rule_id, version)"
    " where v.since is distinct from v.version or p.source <> split_part(v.event_type, '.', 1)",
)

CHECKS = (_FACTS, _REVENUE, _GAPLESS, _ANNOUNCED, _REQUESTED, _TRACED, _POSITIONS)
