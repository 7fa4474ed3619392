"""What ``verify`` proves about the service desk, and what it compares with other services."""

from chassis.service import Check

CHECKS = (
    Check(
        "service-desk.notice-is-planned-with-the-present-lead",
        "select count(*) from devices where notice_at is not null",
        "select 'device ' || id as what from devices where notice_at is not null"
        " and notice_lead <> (select lead_months from settings)",
    ),
    Check(
        "service-desk.device-is-where-its-order-is",
        "select count(*) from devices where order_id is not null",
        "select 'device ' || d.id as what from devices d join order_copies o using (order_id)"
        " where d.client_id is distinct from o.client_id",
    ),
    Check(
        "service-desk.order-has-its-devices",
        "select count(*) from order_copies",
        "select 'order ' || o.order_id as what from order_copies o left join devices d"
        " on d.order_id = o.order_id and d.declared = o.base + o.version group by o.order_id, o.units"
        " having count(d.id) <> o.units",
    ),
    Check(
        "service-desk.undeclared-is-closed",
        "select count(*) from devices where order_id is not null",
        "select 'device ' || d.id as what from devices d join order_copies o using (order_id)"
        " where d.state = 'active' and d.declared < o.base + o.version",
    ),
    Check(
        # a local time that is skipped or comes twice may be read either way, so an hour is let pass
        "service-desk.warranty-follows-terms",
        "select count(*) from devices",
        "select 'device ' || id as what from devices where abs(extract(epoch from warranty_until -"
        " ((sold_at at time zone 'Europe/Prague') + make_interval(months => (terms ->> 'warranty_months')::int))"
        " at time zone 'Europe/Prague')) > 3600",
    ),
    Check(
        "service-desk.last-service-is-the-latest",
        "select count(*) from devices",
        "select 'device ' || d.id as what from devices d left join (select device_id, max(completed_at) as latest"
        " from service_orders group by device_id) s on s.device_id = d.id"
        " where d.last_service_at is distinct from s.latest",
    ),
    Check(
        "service-desk.notice-has-its-timer",
        "select count(*) from devices where notice_at is not null",
        "select 'device ' || coalesce(d.id, t.subject) as what from (select id, notice_at from devices"
        " where notice_at is not null and state = 'active' and client_id is not null) d"
        " full join (select subject, due from chassis.timers where kind = 'maintenance') t on t.subject = d.id"
        " where d.notice_at is distinct from t.due",
    ),
    Check(
        "service-desk.device-version-was-published",
        "select count(*) from devices where client_id is not null",
        "select 'device ' || d.id as what from devices d left join (select subject, max(version) as version"
        " from chassis.events where type in ('service-desk.device_registered.v1', 'service-desk.device_closed.v1',"
        " 'service-desk.device_left.v1') group by subject) e on e.subject = d.id"
        " where d.client_id is not null and d.version is distinct from e.version",
    ),
    Check(
        "service-desk.service-order-was-published",
        "select count(*) from service_orders",
        "select 'service order ' || s.id as what from service_orders s left join (select subject, count(*) as events"
        " from chassis.events where type in ('service-desk.service_order_opened.v1',"
        " 'service-desk.service_order_completed.v1') group by subject) e on e.subject = s.id"
        " where s.version is distinct from e.events",
    ),
)

COPIES = {
    "orders": "select order_id, client_id, version from order_copies where client_id is not null order by order_id"
}
"""What ``verify`` compares with the orders service's own truth."""
