# CI runs the same verbs (`make help` lists them). Needs Python 3.11 or later and make, nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO ?= demo
START ?= 2026-03-01
DAYS ?= 7
ORDERS ?= 2000
SEED ?= 1

.PHONY: help run test test-slow lint types dev docs pictures bench bench-day bench-extract bench-commands bench-backfill reliability mutation sbom lock
.DEFAULT_GOAL := run
# what Python compiled is kept, also where the environment says otherwise: tests and commands start many processes
unexport PYTHONDONTWRITEBYTECODE

$(VENV)/.installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	@# The lock names every package, so nothing is to be resolved. Compiled below by all processors; pip would take one. Of large libraries
	@# the few modules that are in use are compiled when they are
	@# half of the packages by each of two processes, as unpacking them is most of the work
	@awk '/^[a-z0-9]/ { n++ } { print > "$(VENV)/half" n % 2 ".lock" }' requirements.lock
	@set -e; install() { $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --no-deps --require-hashes \
		-r $(VENV)/half$$1.lock; }; install 0 & other=$$!; install 1; wait $$other
	@$(BIN)/python -m compileall -q -j 0 -x '/(tests?|testing|moto|statsmodels|pip|setuptools|apprise|pygments|mypyc?|Cryptodome|hive_metastore)/' \
		$(VENV)/lib >/dev/null 2>&1 || true # packages bring templates that are no Python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

help: ## these verbs
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

run: $(VENV)/.installed ## simulate raw files, reconcile and publish every period, say what was found
	@rm -rf $(DEMO)
	@$(BIN)/duizhang simulate --out $(DEMO)/raw --start $(START) --days $(DAYS) --orders-per-day $(ORDERS) --seed $(SEED)
	@$(BIN)/duizhang run --books $(DEMO)/raw/books.yaml --home $(DEMO)/home --from $(START) \
		--to $$($(BIN)/python -c "import datetime as d; print(d.date.fromisoformat('$(START)') + d.timedelta($(DAYS) - 1))")
	@$(BIN)/duizhang status --home $(DEMO)/home
	@$(BIN)/duizhang score --truth $(DEMO)/raw/truth.parquet --home $(DEMO)/home
	@$(BIN)/duizhang report --home $(DEMO)/home

test: $(VENV)/.installed ## the whole test suite, in parallel
	$(BIN)/python -m pytest -n auto --dist worksteal -m "not slow"

test-slow: $(VENV)/.installed ## the long tests as well, with more examples: splits of a month, large inputs
	DUIZHANG_THOROUGH=1 $(BIN)/python -m pytest -n auto --dist worksteal

lint: $(VENV)/.installed ## style of the code
	$(BIN)/ruff check .
	$(BIN)/python -m duizhang.lint

types: $(VENV)/.installed ## strict types
	$(BIN)/mypy

dev: $(VENV)/.installed ## Dagster's own pages over the demo
	DAGSTER_HOME=$(CURDIR)/$(DEMO)/dagster sh -c 'mkdir -p $$DAGSTER_HOME && exec $(BIN)/dagster dev -w workspace.yaml'

docs: $(VENV)/.installed ## the documentation site, built strictly into site/
	@$(BIN)/python -c "import material" 2>/dev/null || $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation -e ".[docs]"
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet --strict
	@echo "open $(CURDIR)/site/index.html (its search needs a server: $(BIN)/python -m http.server --bind 127.0.0.1 --directory site)"

pictures: $(VENV)/.installed ## the pictures of the READMEs, out of the demo that `make run` made; needs Chromium
	$(BIN)/python docs/pictures.py

bench: $(VENV)/.installed ## the comparison core as ratios to a bare scan, 1M and 10M rows a side
	@test -e $(VENV)-bench/.installed \
		|| ($(PYTHON) -m venv $(VENV)-bench && $(VENV)-bench/bin/python -m pip install --quiet --disable-pip-version-check \
		-r benchmarks/requirements.txt && touch $(VENV)-bench/.installed) || echo "datacompy could not be installed; it is left out"
	$(BIN)/python benchmarks/compare.py --rows 1000000 10000000 --datacompy $(VENV)-bench/bin/python

bench-day: $(VENV)/.installed ## one day from raw files to published, by stage, as ratios to floors of the same run
	$(BIN)/python benchmarks/day.py --orders $(or $(BENCH_ORDERS),10000)

bench-extract: $(VENV)/.installed ## every kind of text file against the bare columnar reader
	$(BIN)/python benchmarks/extract.py

bench-commands: $(VENV)/.installed ## what each command costs to start, in processor seconds
	$(BIN)/python benchmarks/commands.py

bench-backfill: $(VENV)/.installed ## twelve months in one command, then a late file; seconds by stage
	$(BIN)/python benchmarks/backfill.py --days $(or $(BACKFILL_DAYS),365) --orders-per-day $(ORDERS) --folder $(DEMO)/backfill

reliability: $(VENV)/.installed ## kills, full disks, damage, hostile files, parallel decisions, PART="runs disks" or all; figures in docs/reliability.md
	$(BIN)/python benchmarks/reliability.py $(PART)

mutation: $(VENV)/.installed ## plant faults into SQL and core modules; the share that the tests see goes into docs/mutation.md
	$(BIN)/python benchmarks/mutation.py --write

sbom: $(VENV)/.installed ## what is installed with it, as CycloneDX, into sbom.json
	$(BIN)/python .ci/sbom.py

lock: ## renew requirements.lock (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-header --no-annotate \
		--extra dev pyproject.toml -o requirements.lock
