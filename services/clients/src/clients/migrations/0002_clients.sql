-- Which signing key signed a key. A process of the release before writes none.
alter table keys add column signed_by text;
