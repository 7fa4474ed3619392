-- Where orders come from. Of a token only its hash is kept; a secret is needed as it is to check signatures.
create table channels (
    id uuid primary key,
    kind text not null check (kind in ('woocommerce', 'kafka', 'import')),
    name text not null,
    secret text not null default '',
    token_hash bytea unique,
    settings jsonb not null default '{}',
    created_at timestamptz not null
);
create index channels_newest on channels (created_at desc, id desc);

create table products (
    sku text primary key,
    name text not null,
    price numeric not null,
    currency text not null,
    device jsonb,
    service_package text,
    version bigint not null
);

-- To which client a billing identity's orders belong, as clients says. Version 0: nothing was said yet, or it was never
-- linked. `incarnation` is that of the owner's log, here and in the cards: with the version it guards the copy.
create table identity_links (
    id uuid primary key,
    client_id uuid,
    incarnation bigint not null default 0,
    version bigint not null default 0
);

-- Whom to bill, as the clients' cards say. Version 0: nothing was said yet, or there is no such client any more.
create table cards (
    id uuid primary key,
    billing jsonb,
    incarnation bigint not null default 0,
    version bigint not null default 0
);

-- `hashes` are the bodies known of the moment `revised_at`, `arrival` the place in the intake of the one that counts, and
-- `told_state` its state: what is gone (see sightings) is cancelled all the same. A date is open if that one leaves it out:
-- then the first one that any revision has told stands.
create table orders (
    id uuid primary key,
    channel_id uuid not null,
    external_id text not null,
    number text not null,
    kind text not null,
    client_id uuid,
    assigned_by text,
    identity_id uuid not null,
    identity_kind text not null,
    identity_value text not null,
    state text not null,
    total numeric not null,
    refunded numeric not null,
    currency text not null,
    placed_at timestamptz not null,
    paid_at timestamptz,
    revised_at timestamptz not null,
    billing jsonb not null,
    shipping jsonb,
    items jsonb not null,
    warnings text[] not null,
    version bigint not null,
    made_at timestamptz not null,
    arrival bigint not null,
    hashes text[] not null,
    paid_announced boolean not null,
    told_state text not null,
    first_placed_at timestamptz not null,
    first_paid_at timestamptz,
    placed_open boolean not null,
    paid_open boolean not null,
    unique (channel_id, external_id)
);
create index orders_of_identity on orders (identity_id, id);
create index orders_newest on orders (placed_at desc, id desc);
create index orders_of_client on orders (client_id, placed_at desc, id desc) where client_id is not null;
create index orders_of_channel on orders (channel_id, placed_at desc, id desc);

-- When a channel first said that an order is gone, or back; it may be an order not heard of yet. `name` tells deliveries apart.
create table sightings (
    order_id uuid not null,
    name text not null,
    at timestamptz not null,
    gone boolean not null,
    primary key (order_id, name)
);

create table opportunities (
    id uuid primary key,
    client_id uuid not null,
    stage text not null,
    name text not null,
    value numeric,
    currency text,
    items jsonb not null,
    cause jsonb not null,
    opened_at timestamptz not null,
    version bigint not null
);
create index opportunities_newest on opportunities (opened_at desc, id desc);
create index opportunities_of_client on opportunities (client_id, opened_at desc, id desc);

-- What was said of each order last: what `verify` holds against the rows.
create view last_order_events as
select distinct on (subject) subject, version, key, body
from chassis.events
where type like 'orders.order\_%'
order by subject, version desc;
