-- Clients, identities, statuses, tasks, keys, and the copies of orders.
create extension if not exists pg_trgm with schema public;
create extension if not exists unaccent with schema public;

-- How names are compared: without diacritics (first, lower() of a C locale knows only ASCII) and without case.
create function public.plain(text) returns text
language sql immutable strict parallel safe
return lower(public.unaccent('public.unaccent'::regdictionary, $1));

create table public.statuses (
    name text primary key,
    grouping text not null default '',
    colour text not null default '',
    position int not null default 0
);
insert into public.statuses (name, grouping, colour, position) values
    ('Nový partner', 'Velkoobchod', '#2563eb', 10),
    ('Stálý odběratel', 'Velkoobchod', '#16a34a', 20),
    ('Klient se slevou', 'Velkoobchod', '#ca8a04', 30),
    ('Zájemce', 'Obecné', '#64748b', 40),
    ('Aktivní', 'Obecné', '#0d9488', 50),
    ('VIP', 'Obecné', '#9333ea', 60),
    ('Vlastní podmínky', 'Obecné', '#dc2626', 70);

create table public.settings (
    one boolean primary key default true check (one),
    create_clients boolean not null default false,
    default_status text not null references public.statuses
);
insert into public.settings (default_status) values ('Nový partner');

-- The last number given; locked only while a client is made, so numbers have no gaps.
create table public.series (
    name text primary key,
    last_number bigint not null default 0 check (last_number >= 0)
);
insert into public.series (name) values ('clients');

create table public.clients (
    id uuid primary key,
    number bigint not null unique check (number >= 1),
    kind text not null check (kind in ('company', 'person')),
    name text not null check (name <> ''),
    ico text not null,
    dic text not null,
    email text not null,
    phone text not null,
    notes text not null,
    status text not null references public.statuses,
    starred boolean not null,
    billing jsonb not null,
    delivery jsonb,
    version bigint not null check (version >= 1),
    search text not null generated always as (public.plain(name || ' ' || ico || ' ' || dic)) stored
);
create unique index clients_ico on public.clients (ico) where ico <> '';
create index clients_search on public.clients using gin (search public.gin_trgm_ops);
create index clients_status on public.clients (status, number);
create index clients_starred on public.clients (number) where starred;

-- What buyers are recognised by. `version` 0: never linked. What a person unlinked stays so until a person links it.
create table public.identities (
    id uuid primary key,
    kind text not null,
    value text not null,
    client_id uuid references public.clients,
    version bigint not null default 0 check (version >= 0),
    unlinked_by_hand boolean not null default false,
    check (client_id is null or not unlinked_by_hand)
);
create index identities_client on public.identities (client_id) where client_id is not null;
create index identities_value on public.identities (value, kind);

create table public.tasks (
    id uuid primary key,
    client_id uuid not null references public.clients,
    title text not null,
    due timestamptz not null,
    assignee text not null,
    state text not null default 'open' check (state in ('open', 'done')),
    request_id uuid,
    cause_id uuid,
    cause_place text not null default '',
    version bigint not null check (version >= 1)
);
create index tasks_client on public.tasks (client_id, due, id);
create index tasks_due on public.tasks (due, id);

-- One row per client and order, as the client's lane told it last. Rows that are not present keep farewells.
-- `incarnation` is that of the log of orders: with the version it guards the copy.
create table public.order_copies (
    client_id uuid not null,
    order_id uuid not null,
    incarnation bigint not null,
    version bigint not null,
    present boolean not null,
    kind text not null,
    paid boolean not null,
    revenue numeric not null,
    currency text not null,
    placed_at timestamptz not null,
    primary key (client_id, order_id)
);

create table public.keys (
    id uuid primary key,
    name text not null,
    role text not null,
    expires_at timestamptz,
    created_by text not null,
    created_at timestamptz not null default now()
);
