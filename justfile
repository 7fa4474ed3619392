# The only entrance for developers; users have ./klientela.
python := ".venv/bin/python"

# List what there is.
default:
    @just --list

# Make .venv from the lock and the workspace's members.
[group('dev')]
setup:
    ./klientela --version

# Start PostgreSQL, Kafka and the five services here.
[group('dev')]
up *arguments:
    ./klientela up {{ arguments }}

# Run the tests on a PostgreSQL and a Kafka of their own.
[group('test')]
test *arguments:
    ./klientela test {{ arguments }}

# Strike a suite with faults and publish what it survived: docs/reliability.jsonl, then `just generate`.
[group('test')]
faults *arguments:
    ./klientela faults {{ arguments }} --book docs/reliability.jsonl

# Race a suite against its floors, on a quiet machine, and publish: docs/performance.jsonl, then `just generate`.
[group('test')]
bench *arguments:
    ./klientela bench --json {{ arguments }}

# Only what needs neither database nor broker: schemas, rules, contracts.
[group('test')]
test-rules:
    {{ python }} -m pytest shared/schemas tests/architecture -q

# Everything CI asks but the tests.
[group('check')]
check: lint types contracts house generated

[group('check')]
lint:
    {{ python }} -m ruff check
    {{ python }} -m ruff format --check

[group('check')]
types:
    {{ python }} -m mypy

# The import contracts.
[group('check')]
contracts:
    .venv/bin/lint-imports

# The rules of the house (scripts/linters).
[group('check')]
house:
    {{ python }} -m scripts.linters

[group('check')]
generated:
    {{ python }} -m scripts.generate --check

# Compare the schemas with those of a release.
[group('check')]
compatible tag:
    {{ python }} -m scripts.compatibility {{ tag }}

# Write what is generated: JSON Schemas, docs/events.md, tables of results, plots.
[group('dev')]
generate *arguments:
    {{ python }} -m scripts.generate {{ arguments }}

# Put the source in shape.
[group('dev')]
fmt:
    {{ python }} -m ruff check --fix
    {{ python }} -m ruff format

# New passwords and keys for docker-compose.yml.
[group('deploy')]
compose-env folder=".klientela/compose":
    {{ python }} -m scripts.compose_env {{ folder }}
