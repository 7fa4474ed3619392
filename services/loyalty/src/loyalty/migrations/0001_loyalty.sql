-- Programmes, accounts, their copies of orders, and the ledger.

-- The versions of the programme; none is ever changed.
create table programmes (
    version int primary key check (version > 0),
    rates jsonb not null,
    tiers jsonb not null,
    valid_from timestamptz not null
);

-- One account per client. Version 0: orders are known, but nothing was ever booked. `lane`: where its events go.
create table accounts (
    client_id uuid primary key,
    lane smallint not null check (lane between 0 and 47),
    points bigint not null default 0,
    tier text not null default 'bronze' check (tier in ('bronze', 'silver', 'gold')),
    version bigint not null default 0 check (version >= 0)
) with (fillfactor = 70);
create index accounts_shown on accounts (client_id) where version > 0;
create index accounts_of_lane on accounts (lane, client_id) where version > 0;

-- What each account last heard of an order, and the points it bears for it. `incarnation` is that of the log of orders:
-- with the version it guards the copy.
create table order_copies (
    client_id uuid not null references accounts,
    order_id uuid not null,
    version bigint not null check (version >= 0),
    kind text not null,
    currency text not null,
    total numeric not null,
    refunded numeric not null,
    paid_at timestamptz,
    present boolean not null,
    points bigint not null,
    programme_version int references programmes,
    incarnation bigint not null,
    primary key (client_id, order_id)
) with (fillfactor = 70);

-- The ledger: lines are added and never changed. `number` is the order of booking.
create table entries (
    number bigint generated always as identity primary key,
    id uuid not null unique,
    client_id uuid not null references accounts,
    order_id uuid,
    kind text not null check (kind in ('order', 'award')),
    points bigint not null check (points <> 0),
    balance bigint not null,
    at timestamptz not null,
    programme_version int,
    cause uuid not null,
    cause_place text not null,
    check ((kind = 'order') = (order_id is not null))
);
create index entries_of_client on entries (client_id, number desc);
