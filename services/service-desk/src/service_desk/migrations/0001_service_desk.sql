-- Devices, what is known of their orders, and the work done on them.

create table settings (
    one boolean primary key default true check (one),
    lead_months int not null default 1 check (lead_months >= 0),
    version int not null default 1 check (version > 0)
);
insert into settings default values;

-- What was last heard of each order; `incarnation`, that of the log of orders, and `version` guard it. `base` and `version`
-- make the number by which devices know it. `since`: the number with which it came where it is; `units`: the devices
-- that its latest state declares.
create table order_copies (
    order_id uuid primary key,
    version bigint not null default 0 check (version >= 0),
    client_id uuid,
    since bigint not null default 0,
    units int not null default 0 check (units >= 0),
    incarnation bigint not null default 0,
    base bigint not null default 0
) with (fillfactor = 70);

-- `declared`: the number of the last order state that named the device; 0 when it was entered by hand.
-- `notice_at`: when its client is to be reminded, planned with `notice_lead` months of lead.
-- `lane`: where its events go, by its client; a device that belongs to nobody has its own.
create table devices (
    id uuid primary key,
    client_id uuid,
    order_id uuid references order_copies,
    sku text not null,
    terms jsonb not null,
    service_package text,
    sold_at timestamptz not null,
    warranty_until timestamptz not null,
    state text not null check (state in ('active', 'closed')),
    version bigint not null check (version > 0),
    declared bigint not null check (declared >= 0),
    last_service_at timestamptz,
    notice_at timestamptz,
    notice_lead int,
    lane smallint not null check (lane between 0 and 47),
    check ((order_id is null) = (declared = 0)),
    check (notice_at is null or (last_service_at is not null and notice_lead is not null))
) with (fillfactor = 70);
create index devices_shown on devices (sold_at desc, id desc) where client_id is not null;
create index devices_of_client on devices (client_id, sold_at desc, id desc) where client_id is not null;
create index devices_of_order on devices (order_id) where order_id is not null;
create index devices_waiting on devices (lane, id) where notice_at is not null;

create table service_orders (
    id uuid primary key,
    device_id uuid not null references devices,
    client_id uuid,
    title text not null,
    state text not null check (state in ('open', 'completed')),
    opened_at timestamptz not null,
    completed_at timestamptz,
    version bigint not null check (version > 0),
    check ((state = 'completed') = (completed_at is not null))
);
create index service_orders_of_device on service_orders (device_id, opened_at desc, id desc);
create index service_orders_shown on service_orders (opened_at desc, id desc);
