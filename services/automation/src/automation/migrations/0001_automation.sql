-- What is known of each client: the card, and what the present orders add up to. An incarnation is that of the owner's
-- log, here and in the copies of orders: with the version it guards what is kept.
create table client_facts (
    client_id uuid primary key,
    card_incarnation bigint not null default 0,
    card_version bigint not null default 0,
    name text,
    status text,
    starred boolean,
    orders bigint not null default 0,
    paid_orders bigint not null default 0,
    revenue jsonb not null default '{}',
    last_order_at timestamptz
) with (fillfactor = 70);

-- Orders as they were last heard in each client's lane; one that left stays, so that its late events are known as late.
create table order_copies (
    client_id uuid not null references client_facts,
    order_id uuid not null,
    version bigint not null check (version >= 0),
    present boolean not null,
    kind text not null check (kind in ('order', 'refund')),
    paid boolean not null,
    revenue numeric not null,
    currency text not null,
    placed_at timestamptz not null,
    incarnation bigint not null,
    primary key (client_id, order_id)
);
create index order_copies_latest on order_copies (client_id, placed_at desc) where present and kind = 'order';

create table rules (
    id uuid primary key,
    number bigint generated always as identity unique,
    version bigint not null default 0
);

-- Versions are for ever. `since` is the version that was switched on: the rule acts beyond the positions kept for it.
create table rule_versions (
    rule_id uuid not null references rules,
    version bigint not null check (version > 0),
    name text not null,
    event_type text not null,
    conditions jsonb not null,
    actions jsonb not null,
    active boolean not null,
    since bigint,
    made_at timestamptz not null,
    made_by text not null,
    primary key (rule_id, version),
    check (active = (since is not null)),
    foreign key (rule_id, since) references rule_versions (rule_id, version)
);
create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'rows of % are for ever', tg_table_name;
end $$;
create trigger versions_are_for_ever before update or delete on rule_versions
    for each row execute function refuse_change();

create table rule_positions (
    rule_id uuid not null,
    version bigint not null,
    source text not null,
    lane smallint not null,
    incarnation bigint not null,
    sequence bigint not null check (sequence > 0),
    primary key (rule_id, version, source, lane),
    foreign key (rule_id, version) references rule_versions
);

-- The trace: which rule acted on which event; `steps` names each action's request or why there is none.
create table runs (
    id uuid primary key,
    number bigint generated always as identity,
    rule_id uuid not null,
    rule_version bigint not null,
    client_id uuid not null,
    event_id uuid not null,
    event_type text not null,
    subject uuid not null,
    subject_version bigint not null,
    source text not null,
    lane smallint not null,
    sequence bigint not null,
    outcome text not null check (outcome in ('acted', 'partly', 'failed')),
    steps jsonb not null,
    at timestamptz not null,
    foreign key (rule_id, rule_version) references rule_versions
);
create index runs_client on runs (client_id, number);
create index runs_rule on runs (rule_id, number);
create index runs_number on runs (number);
create index runs_event on runs (event_id);
