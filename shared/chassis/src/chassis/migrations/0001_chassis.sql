-- The machinery of one service: its event log, what it has consumed, what waits.
create schema chassis;

-- Offset of business time from the database clock; only test set-ups move it.
create table chassis.clock (
    one boolean primary key default true check (one),
    ahead interval not null default '0'
);
insert into chassis.clock default values;

-- A lane's counter is locked until commit, so numbers are gapless and in commit order.
-- `identity` names the database that wrote last: another one begins a new incarnation first.
create table chassis.counters (
    lane smallint primary key check (lane between 0 and 47),
    head bigint not null default 0 check (head >= 0),
    incarnation bigint not null,
    identity text not null
) with (fillfactor = 20);

create table chassis.incarnations (
    lane smallint not null,
    number bigint not null,
    from_sequence bigint not null,
    began_at timestamptz not null default now(),
    primary key (lane, number)
);

create table chassis.events (
    lane smallint not null,
    sequence bigint not null,
    incarnation bigint not null,
    id uuid not null,
    type text not null,
    key uuid not null,
    subject uuid not null,
    version bigint not null,
    at timestamptz not null,
    correlation uuid not null,
    causation uuid,
    cause_place text not null,
    hops smallint not null,
    actor text not null,
    body bytea not null check (length(body) <= 524288),
    primary key (lane, sequence)
) partition by range (sequence);
create table chassis.events_0 partition of chassis.events for values from (0) to (1000000);
create index events_subject on chassis.events (subject, sequence);

-- What the relay has published: raised through the session that holds the relay's lock.
-- What is in the lane's `partition` from `next_offset` on is not known to be published: it tells of a silent rewind.
create table chassis.cursors (
    lane smallint primary key,
    sequence bigint not null default 0,
    partition int not null default 0,
    next_offset bigint not null default 0
) with (fillfactor = 20);
insert into chassis.cursors (lane) select generate_series(0, 47);

-- How far each subscription has come in the lanes of each source.
create table chassis.progress (
    subscription text not null,
    source text not null,
    lane smallint not null,
    incarnation bigint not null default 0,
    sequence bigint not null default 0,
    primary key (subscription, source, lane)
) with (fillfactor = 20);

-- What was applied and heard here, with a digest of id and bytes. Numbers that an owner took back are not among it.
create table chassis.applied (
    subscription text not null,
    source text not null,
    lane smallint not null,
    sequence bigint not null,
    incarnation bigint not null,
    event uuid not null,
    type text not null,
    key uuid not null,
    subject uuid not null,
    digest bytea not null,
    applied_at timestamptz not null default now()
);
create index applied_place on chassis.applied (subscription, source, lane, sequence);
create index applied_age on chassis.applied using brin (applied_at);

-- Where a lane's owner took numbers back that were applied here: `incarnation` and `sequence` had been reached.
create table chassis.rewinds (
    subscription text not null,
    source text not null,
    lane smallint not null,
    incarnation bigint not null,
    sequence bigint not null,
    resumed bigint not null,
    at timestamptz not null
);
create index rewinds_source on chassis.rewinds (source, at);

-- How far topics from outside were read, with a mark of the last message: a topic made anew has another one there.
create table chassis.outside (
    topic text not null,
    partition int not null,
    last_offset bigint not null,
    mark bytea not null,
    primary key (topic, partition)
) with (fillfactor = 50);

-- What is being tried, by which process: who finds another's at the same place knows that it died there. `deaths` counts
-- those of a lone message: the first, and then those of trials at which the process had nothing else in hand (`sole`).
-- Not logged: a crash of the database empties it, and nobody is blamed for that.
create unlogged table chassis.attempts (
    work text primary key,
    place text not null,
    process uuid not null,
    alone boolean not null,
    deaths int not null default 0,
    sole boolean not null default false
) with (fillfactor = 50);

-- Events that a handler could not decide yet; later events of the key wait behind them for that handler.
create table chassis.parked (
    subscription text not null,
    handler text not null,
    key uuid not null,
    number bigint generated always as identity,
    record bytea not null,
    reason text not null,
    parked_at timestamptz not null default now(),
    primary key (subscription, handler, key, number)
);

-- Events and messages that are bad data for a handler, with their bytes and the reason.
create table chassis.dead_letters (
    id uuid primary key,
    subscription text not null,
    handler text not null,
    source text not null,
    type text not null,
    record bytea not null,
    reason text not null,
    died_at timestamptz not null default now(),
    resolved_at timestamptz,
    resolution text
);
create index dead_letters_open on chassis.dead_letters (died_at) where resolved_at is null;

create table chassis.timers (
    kind text not null,
    subject uuid not null,
    lane smallint not null,
    due timestamptz not null,
    cause bytea not null,
    primary key (kind, subject)
);
create index timers_of_lane on chassis.timers (lane, due);
create index timers_due on chassis.timers (due);

-- Work for everybody, lane by lane: `after` is the last key that had its turn, null before the first. No row: done.
create table chassis.jobs (
    kind text not null,
    lane smallint not null,
    subject uuid not null,
    after uuid,
    cause bytea not null,
    primary key (kind, lane)
) with (fillfactor = 20);

-- Raw messages from outside, as they came. `state`: 0 waiting, 1 decided (done, or a dead letter). `cause` is the id that
-- their effects follow from: a number would come back after a rewind, this does not.
create table chassis.intake (
    id bigint generated always as identity primary key,
    kind text not null,
    origin uuid,
    body bytea not null,
    cause uuid not null default gen_random_uuid(),
    received_at timestamptz not null default now(),
    state smallint not null default 0
);
create index intake_waiting on chassis.intake (id) where state = 0;

-- Requests that were decided, kept for ever: no replay acts twice.
create table chassis.requests (
    handler text not null,
    id uuid not null,
    decided_at timestamptz not null default now(),
    primary key (handler, id)
);

create table chassis.idempotency (
    actor text not null,
    key text not null,
    request_hash bytea not null,
    status smallint not null,
    body bytea not null,
    created_at timestamptz not null default now(),
    primary key (actor, key)
);
create index idempotency_age on chassis.idempotency (created_at);

create table chassis.revoked_keys (
    id uuid primary key,
    revoked_at timestamptz not null
);

-- What the service has still to do by itself. Who asks whether it is at rest asks here.
create view chassis.waiting as
select
    (select count(*) from chassis.intake where state = 0) as intake,
    (select count(*) from chassis.parked) as parked,
    (select count(*) from chassis.timers, chassis.clock where due <= now() + ahead) as timers_due,
    (select count(*) from chassis.jobs) as jobs;
