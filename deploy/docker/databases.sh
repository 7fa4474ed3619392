#!/bin/sh
# Runs once, when the cluster is new: one database and one owner per service, nobody sees another's.
set -eu
make() {
    psql --set ON_ERROR_STOP=1 --set name="$1" --set word="$2" --username "$POSTGRES_USER" --dbname postgres <<'SQL'
create role :"name" login password :'word';
create database :"name" owner :"name";
revoke all on database :"name" from public;
SQL
}
make clients "$CLIENTS_PASSWORD"
make orders "$ORDERS_PASSWORD"
make service_desk "$SERVICE_DESK_PASSWORD"
make loyalty "$LOYALTY_PASSWORD"
make automation "$AUTOMATION_PASSWORD"
