PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help run demo test style types unit fuzz test-services conformance bench clean lock

help:            ## show the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*##/ {printf "  make %-14s %s\n", $$1, $$2}' Makefile

run: .venv/.ready            ## serve config.yaml on http://127.0.0.1:3000 (with no OPENAI_API_KEY: a rehearsal model answers)
	@$(BIN)/python -m sim run

demo: .venv/.ready           ## one whole spoken call, with no key, no phone and no network
	@$(BIN)/python -m sim demo

test: style types unit       ## style, types, layers, unit and loopback tests

style: .venv/.ready-dev
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: .venv/.ready-dev
	@$(BIN)/mypy

# Without its bytecode each process of the suite would compile, and rewrite, every file anew: a minute of work.
unit: export PYTHONDONTWRITEBYTECODE =
unit: .venv/.ready-dev
	@rm -f .coverage .coverage.* && $(BIN)/python -m coverage run -m pytest -n auto --dist worksteal -m "not services" && \
	$(BIN)/python -m coverage combine -q && $(BIN)/python -m tests.coverage_gate

fuzz: .venv/.ready-dev       ## the property tests alone, on ever new examples, for MINUTES=10 or longer
	@$(BIN)/python -m tests.fuzz $(MINUTES)

test-services: .venv/.ready-dev  ## what needs a system package, another Python, or a long run
	@sh tests/services/run.sh

conformance: .venv/.ready-dev    ## docs/llm-verb.md and docs/settings.md anew: what is claimed, and the tests of it (two minutes)
	@$(BIN)/python -m pytest -m claim --conformance=docs

bench: .venv/.ready          ## the media path beside other bridges, in turns, and first words (PEERS=1: pipecat too; ALL=1: all variants)
	@$(BIN)/python -m bench $(if $(PEERS),--peers) $(if $(ALL),--all) && $(BIN)/python -m bench brains

lock:                        ## resolve the dependencies anew (needs uv)
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --only-binary :all: pyproject.toml -o requirements.lock
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --only-binary :all: pyproject.toml --group dev --extra mcp -c requirements.lock -o requirements-dev.lock

clean:
	rm -rf .venv .build .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage* demo/call.wav demo/report.json

.venv/.ready: requirements.lock
	@test -n "$(PYTHON)" || { echo "error: Python 3.11 or newer not found. Debian: apt-get install python3 python3-venv" >&2; exit 1; }
	@echo "installing $$(grep -c == $<) packages into .venv, about half a minute ..." >&2
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || { rm -rf .venv; echo "error: $(PYTHON) has no venv module. Debian: apt-get install python3-venv" >&2; exit 1; }
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes --only-binary :all: -r $<
	@touch $@

.venv/.ready-dev: requirements-dev.lock .venv/.ready
	@echo "installing the test tools ..." >&2
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes --only-binary :all: -r $<
	@touch $@
