# The commands of the course. Each works from a clean clone, and none does again what is done already.
PYTHON ?= python3
VENV := .venv/bin/python
# These may stand after the command, as in: make kafka-up UI_PORT=8081
# A kafka.py or helpers.py there would be taken for ours.
unexport PYTHONPATH
export CLUSTER UI_PORT POSTGRES_PORT KAFKA_COURSE_CACHE KAFKA_COURSE_MAVEN CHROMIUM

.DEFAULT_GOAL := help
.PHONY: help lab notebooks-test notebooks-run kafka-up kafka-down kafka-status kafka-logs ui test commands-test faults-test lint resolve-test claims-test exercises-test robustness-test browser-test compose-test bench soak clean requirements install

help:  ## list the commands
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{printf "%-22s %s\n", $$1, $$2}'

lab: kafka-up  ## start the cluster and open the notebooks in JupyterLab
	@$(VENV) -m helpers.notebooks lab

notebooks-test: kafka-up  ## run all notebooks and check them (nbval)
	@$(VENV) -m helpers.notebooks test $(NOTEBOOKS)

notebooks-run: kafka-up  ## run all notebooks and save them with their outputs
	@$(VENV) -m helpers.notebooks run $(NOTEBOOKS)

kafka-up: install  ## start what is not running of the cluster
	@$(VENV) -m helpers.cluster up

kafka-down: install  ## end the cluster; its data stays
	@$(VENV) -m helpers.cluster down

kafka-status: install  ## what runs
	@$(VENV) -m helpers.cluster status

kafka-logs: install  ## the last lines of the logs (SERVICE=kafka-1 for one of them)
	@$(VENV) -m helpers.cluster logs $(SERVICE)

ui: install  ## open the cluster's web page
	@$(VENV) -m helpers.cluster ui

# Two at a time, as tests mostly wait; those that share a cluster stay together.
SIDE_BY_SIDE := -n 2 --no-loadscope-reorder
# Each starts clusters of its own, which takes its time.
COMMANDS := $(addprefix tests/test_,cluster.py running_cluster.py situations.py ordinary_user.py install.py)
LANES := $(addprefix tests/,browser claims client_faults compose exercises resolve robustness)

test: kafka-up  ## test the helpers and the saved notebooks (pytest); before each commit
	@$(VENV) -m pytest tests $(SIDE_BY_SIDE) $(addprefix --ignore ,$(COMMANDS) $(LANES))

commands-test: install  ## test the commands, in clones of their own and in bad situations
	@$(VENV) -m pytest $(COMMANDS) $(SIDE_BY_SIDE)

faults-test: install  ## check that the faults of kafka-python are there around which the course works
	@$(VENV) -m pytest tests/client_faults

# All four, also where one fails: each says what is to be mended.
lint: STYLE := --no-cache --quiet --config .ci/ruff.toml --output-format concise helpers tests notebooks
lint: install  ## check the style of code, tests and notebooks, and which way imports point
	@failed=0; \
	    $(VENV) -m ruff check $(STYLE) || failed=1; \
	    $(VENV) -m ruff format --check $(STYLE) || failed=1; \
	    $(VENV) -c "from importlinter import cli; cli.lint_imports_command()" --no-logo --no-cache .ci/imports.ini || failed=1; \
	    $(VENV) -m pytest tests/test_style.py || failed=1; \
	    exit $$failed

resolve-test: install  ## check that all requirements have wheels for each system and Python (asks the network)
	@$(VENV) -m pytest tests/resolve -n 2

# One at a time, with the machine to itself: a claim about speed can't be tried beside another.
claims-test: install  ## run each cell again, and break each lesson's pattern: its claims must notice
	@$(VENV) -m pytest tests/claims

exercises-test: kafka-up  ## check that each exercise takes its solution, and no stub or wrong answer
	@$(VENV) -m pytest tests/exercises

robustness-test: kafka-up  ## run the notebooks twice, interrupted, and over a cluster that crashed
	@$(VENV) -m pytest tests/robustness

# With a cluster of its own. What it needs besides comes into .venv as it stands: learners need none
# of it, and a kernel may run from there. From uv's cache, where that has it.
browser-test: ADD := $(VENV) -m uv pip install --quiet --require-hashes --python $(VENV) -r tests/browser/requirements.txt
browser-test: install  ## work through lesson 01 in JupyterLab and Chromium, with screenshots
	@$(ADD) --offline 2> /dev/null || $(ADD)
	@$(VENV) -m pytest -x tests/browser

# Without SERVICES, all of them. The notebooks come first: they are what the lane is for.
compose-test: install  ## run all notebooks and the fault API on the cluster that Docker Compose runs
	docker compose up --detach --wait $(SERVICES)
	@export CLUSTER=containers; failed=0; \
	    $(VENV) -m helpers.notebooks test $(NOTEBOOKS) || failed=1; \
	    $(VENV) -m pytest tests/compose tests/test_database.py || failed=1; \
	    docker compose down --volumes; exit $$failed

bench: install  ## measure what the course promises of itself, as a table
	@$(VENV) tests/bench.py

N ?= 20
AT_ONCE ?= 1
BREAK ?= 0
soak: install  ## run all notebooks N=20 times, shuffled and under load (AT_ONCE=3; BREAK=1: things die)
	@$(VENV) tests/soak.py $(N) $(AT_ONCE) $(BREAK) $(SEED) --only=$(ONLY)

clean:  ## end the cluster and delete its data and .venv (the cache outside the clone stays)
	@if [ -d .cluster ]; then $(MAKE) --no-print-directory install && $(VENV) -m helpers.cluster down --forget; fi
	@rm -rf .venv

requirements: PIN := $(VENV) -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes
requirements: install  ## pin all requirements.txt anew from their requirements.in
	@$(PIN) requirements.in -o requirements.txt
	@$(PIN) -c requirements.txt tests/browser/requirements.in -o tests/browser/requirements.txt

install:
	@$(PYTHON) helpers/install.py
