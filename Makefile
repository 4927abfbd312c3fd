# Every target installs what it needs first; a second run finds the stamps and is fast.
#   make demo            a running consultation on http://localhost:8000 (PORT=8001 for another port)
#   make test            linters, types, unit, browser and network-lab tests, one summary
#   make lint | format   only the linters | rewrite the files as the linters want them
#   make messages        collect new texts into locale/, to be translated there
#   make bench | soak    measurements (var/bench.json) | repetition and hours (docs/evidence/*.json)
#   make fuzz            bend every hostile input, SECONDS=60 for each target, or only FUZZ="rtcp sdp"
#   make setup           everything for all of the above

PORT ?= 8000
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

VENV := .venv
STAMPS := $(VENV)/.stamps
# Ours first: the virtual environment also brings Node, so every machine runs the same version.
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help setup demo test soak bench fuzz lint format messages run-packages test-packages

help:
	@sed -n '2,9s/^# \{0,1\}//p' Makefile

setup: run-packages test-packages $(STAMPS)/messages $(STAMPS)/node

demo: run-packages $(STAMPS)/messages
	@exec python manage.py demo --port $(PORT)

test: setup
	@exec python -m tests.suite

soak: setup
	@exec python -m pytest -m soak --timeout=0 $(SOAK)

fuzz: setup
	@exec python -m tests.fuzz --seconds $(or $(SECONDS),60) $(FUZZ)

bench: setup
	@exec python -m tests.bench $(BENCH)

lint: setup
	@exec python -m tests.suite --only lint

format: $(STAMPS)/tests
	@ruff check --fix --quiet . || true
	@ruff format .

# Without settings and without place names: a moved line changes nothing, a changed text is marked fuzzy.
messages: run-packages $(STAMPS)/run
	@env -u DJANGO_SETTINGS_MODULE python -m django makemessages --locale de --no-location --no-obsolete --no-wrap \
	  --ignore $(VENV) --ignore node_modules --ignore tests --ignore var --ignore static --ignore docs --ignore deploy
	@sed -i '/^"POT-Creation-Date/d' locale/de/LC_MESSAGES/django.po

run-packages:
	@deploy/setup/debian.sh run

test-packages:
	@deploy/setup/debian.sh test

$(VENV)/bin/python: | run-packages
	@deploy/setup/venv.sh $(VENV)

$(STAMPS)/run: requirements.txt | $(VENV)/bin/python
	@echo "Installing what runs into $(VENV)"
	@python -m pip install --quiet --requirement requirements.txt
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/tests: requirements-dev.txt $(STAMPS)/run
	@echo "Installing what tests into $(VENV)"
	@python -m pip install --quiet --requirement requirements-dev.txt
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/node: package.json package-lock.json $(STAMPS)/tests
	@echo "Installing what checks the browser code into node_modules"
	@npm ci --silent --no-audit --no-fund --ignore-scripts
	@touch $@

# Only the binary catalogues (.mo) are made here, they are not in the repository.
$(STAMPS)/messages: $(shell find locale -name '*.po' 2>/dev/null) $(STAMPS)/run
	@for po in $$(find locale -name '*.po' 2>/dev/null); do msgfmt --check-format -o "$${po%.po}.mo" "$$po"; done
	@touch $@
