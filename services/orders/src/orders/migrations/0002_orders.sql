-- Orders with something odd in them are looked for among the few that have it.
create index orders_warned on orders (placed_at desc, id desc) where cardinality(warnings) > 0;
