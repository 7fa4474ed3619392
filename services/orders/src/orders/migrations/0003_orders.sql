-- An order is asked for by what a channel calls it; which channel is not always known.
create index orders_external_id on orders (external_id);
