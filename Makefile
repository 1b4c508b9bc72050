# livewatch: what a developer or CI runs. Everything works from a clean clone with Python 3.11, pip and make.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
ARGS   ?=

.DEFAULT_GOAL := help
.PHONY: help setup demo picture top-picture test test-unit test-slow nightly fuzz worlds soak data-sheet bench rest-soak kill-storm test-node openclaw test-openclaw telemetry-test deploy-check release-check boards boards-types invariants boards-picture audit check format clean

help:  ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# Two stamps: users of `make demo` need no development tools.
$(VENV)/.run: pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "setting up $(VENV) ..." >&2
	@$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.run
	@$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

setup: $(VENV)/.dev  ## create .venv with everything that development needs

demo: $(VENV)/.run  ## break a real gateway ten ways and watch livewatch repair it (ARGS=--json)
	@$(BIN)/livewatch demo $(ARGS)

picture: $(VENV)/.run  ## draw the README's picture of the live table from a real run
	@$(BIN)/livewatch demo --picture docs/img/demo.svg $(ARGS)

top-picture: $(VENV)/.dev  ## draw the README's picture of `livewatch top` from a real run
	@$(BIN)/python -m tests.top.picture docs/img/top.svg

# Half of the suite waits, so there are more workers than cores. What tests/tiers.py groups never runs side by side.
WORKERS ?= 4
PYTEST  := $(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup

test: $(VENV)/.dev  ## run the test suite without its slow tier (ARGS="-k board")
	@$(PYTEST) -m "unit or process" $(ARGS)

test-unit: $(VENV)/.dev  ## run only what starts no process
	@$(PYTEST) -m unit $(ARGS)

test-slow: $(VENV)/.dev  ## run the slow tier: published figures, wrong agents, shrinking, the fuzzers' short pass
	@$(PYTEST) -m slow --timeout 600 $(ARGS)

# Everything that .ci/run leaves out for its time, and the whole suite once more with many more examples.
nightly: $(VENV)/.dev  ## every test of every tier with 3,000 examples a property, and every longer proof
	@$(PYTEST) --hypothesis-profile nightly --timeout 600
	@$(MAKE) --no-print-directory check worlds kill-storm test-node test-openclaw telemetry-test boards-types deploy-check release-check audit
	@$(MAKE) --no-print-directory fuzz ARGS="--seconds 60"
	@$(MAKE) --no-print-directory bench ARGS=--quick

worlds: $(VENV)/.run  ## 10,000 virtual hours of random worlds under every misfortune (ARGS="--seed 9000")
	@$(BIN)/livewatch simulate --random 1700 --hours 6 --jobs $$(nproc) $(ARGS)

soak: $(VENV)/.run  ## random worlds from a new seed until stopped, then the tally (ARGS="--keep found")
	@$(BIN)/livewatch simulate --endless --seed $$(date +%s) --hours 6 --jobs $$(nproc) $(ARGS)

fuzz: $(VENV)/.dev  ## mutate whatever comes from outside, every target for a time (ARGS="--seconds 60 --only board")
	@$(BIN)/python -m tests.fuzz $(ARGS)

data-sheet: $(VENV)/.dev  ## compare with other rule sets over the scenarios, and write docs/data-sheet.md, docs/incidents.md
	@$(BIN)/livewatch simulate --compare tests/scenarios --data-sheet docs/data-sheet.md
	@$(BIN)/python -m tests.simulation.library

bench: $(VENV)/.dev  ## what probe, tick and start-up cost, as ratios of one run (ARGS="--json --plot docs/img/tick.svg")
	@$(BIN)/python -m tests.bench $(ARGS)

rest-soak: $(VENV)/.dev  ## an agent at rest over churning sessions: memory, files, journal, CPU (ARGS="--speed 10")
	@$(BIN)/python -m tests.bench.soak_rest $(ARGS)

kill-storm: $(VENV)/.dev  ## kill the agent 500 times while sessions die: nothing twice, nothing lost (ARGS="--kills 50")
	@$(BIN)/python -m tests.live.kill_storm $(ARGS)

test-node: $(VENV)/.dev  ## watch a real Node server from outside, and one that writes a board (needs node)
	@command -v node >/dev/null || { echo "node is not installed: apt-get install nodejs" >&2; exit 1; }
	@NODE=$$(command -v node) $(BIN)/python -m pytest -q tests/sources/zero_touch/node_server.py tests/examples/test_node_gateway.py $(ARGS)

openclaw: $(VENV)/.dev  ## fetch the pinned OpenClaw from npm into .cache (800 MB, once)
	@$(BIN)/python -m tests.openclaw.gateway

test-openclaw: openclaw  ## watch, break and repair a real OpenClaw gateway; prints what was measured
	@$(BIN)/python -m pytest -q -s -p no:randomly $(filter-out %restarts.py,$(sort $(wildcard tests/openclaw/proof_*.py))) \
		tests/openclaw/proof_restarts.py $(ARGS)

telemetry-test: $(VENV)/.dev  ## ask a real Prometheus every panel and alert, over real faults (installs prometheus if root)
	@{ command -v prometheus && command -v promtool; } >/dev/null || { test "$$(id -u)" = 0 && apt-get install -y -q prometheus; } \
	  || { echo "prometheus is not installed: apt-get install prometheus (it brings promtool)" >&2; exit 1; }
	@$(BIN)/python -m pytest -q tests/telemetry/proof.py $(ARGS)

deploy-check: $(VENV)/.dev  ## build the image, try deploy/ under a real systemd, in containers' namespaces, with kubectl, promtool and amtool (root)
	@test "$$(id -u)" = 0 || { echo "deploy-check makes namespaces and boots a systemd in them: run it as root" >&2; exit 1; }
	@{ command -v systemd-analyze && command -v unshare && command -v promtool && command -v amtool; } >/dev/null \
	  || apt-get install -y -q systemd util-linux prometheus prometheus-alertmanager
	@{ command -v buildah && command -v debootstrap; } >/dev/null || apt-get install -y -q --no-install-recommends buildah debootstrap
	@$(BIN)/python -m pytest -q -p no:randomly tests/deploy/proof_*.py $(ARGS)

boards: $(VENV)/.dev  ## write the dashboards, the page of metrics and the page of settings anew
	@$(BIN)/python dashboards/build.py
	@$(BIN)/python -m livewatch_exporters.metrics_page > docs/METRICS.md
	@$(BIN)/python -m livewatch.configuration.page > docs/configuration.md

api-docs: $(VENV)/.dev  ## write the requests of docs/api/agent.openapi.yaml anew from their types
	@$(BIN)/python -m tests.docs.agent_page

invariants: $(VENV)/.dev  ## write the tests that hold each rule into docs/invariants.md
	@$(BIN)/python -m tests.invariants

boards-types: $(VENV)/.dev  ## check the dashboards against Grafana's own types, with its schema from npm
	@$(BIN)/python -m tests.dashboards.types

boards-picture: $(VENV)/.dev  ## draw the README's pictures of the dashboards from a real run
	@$(BIN)/python -m tests.telemetry.preview docs/img

$(VENV)/.audit: $(VENV)/.dev
	@$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[audit]'
	@touch $@

audit: $(VENV)/.audit  ## ask PyPI for known vulnerabilities of every pinned version; says what could not be asked
	@$(BIN)/python -m tests.supply.audit $(ARGS)

release-check: $(VENV)/.dev  ## build wheel and source distribution, look through them, install them; publishes nothing
	@$(BIN)/python -m tests.supply.release

# One target for each, so that `make -j check` runs them side by side.
.PHONY: check-lint check-format check-mypy check-pyright check-imports
check: check-lint check-format check-mypy check-pyright check-imports  ## lint, format, types, import contracts
check-lint: $(VENV)/.dev
	@$(BIN)/ruff check .
check-format: $(VENV)/.dev
	@$(BIN)/ruff format --check --quiet .
check-mypy: $(VENV)/.dev
	@$(BIN)/mypy
check-pyright: $(VENV)/.dev
	@$(BIN)/pyright
check-imports: $(VENV)/.dev
	@PYTHONPATH=. $(BIN)/lint-imports --no-cache

format: $(VENV)/.dev  ## format the code and apply safe fixes
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format --quiet .

clean:  ## remove .venv and every cache
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist
