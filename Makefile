# Everything starts from nothing: a target makes the virtual environment when it is missing, when
# pyproject.toml has changed, or when PYTHON names another interpreter.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready-$(subst /,_,$(PYTHON))
PINS :=

.DEFAULT_GOAL := help
.PHONY: help demo test library check format captures docs gallery bench lowest clean

help: ## what there is to make (the default)
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "  PYTHON=python3.13 with any of them picks the interpreter; VENV=folder picks where its environment goes."

demo: $(READY) ## simulate, perform on the kernel, match and draw one connection; the pictures go to demo/
	@mkdir -p demo
	$(BIN)/tcpviz simulate -o demo/normal.png
	@echo "tcpviz capture --scenario normal -o demo/run.pcap -o demo/run.png"
	@status=0; $(BIN)/tcpviz capture --scenario normal -o demo/run.pcap -o demo/run.png 2>demo/capture.log || status=$$?; \
	case $$status in \
	0) cat demo/capture.log >&2; run=demo/run.pcap ;; \
	3) echo "This machine allows no capture: going on with the shipped captures/normal.pcapng."; run=captures/normal.pcapng ;; \
	*) cat demo/capture.log >&2; exit $$status ;; \
	esac; \
	echo "tcpviz match $$run -o demo/match.png"; \
	$(BIN)/tcpviz match $$run -o demo/match.png
	$(BIN)/tcpviz states --walk normal -o demo/states.png > demo/states.txt
	@rm -f demo/capture.log
	@echo "The pictures are in $(CURDIR)/demo:"; cd demo && ls *.png

test: check ## the checks and the test suite
	$(BIN)/pytest -n auto --dist loadgroup -m "not library"

library: $(READY) ## perform every scenario that a kernel can play, as root and as an ordinary user, against the model
	$(BIN)/pytest -n auto -m library tests/lab

check: $(READY) ## lint, format, types and architecture
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY) ## put the code in the format that check wants
	$(BIN)/ruff check --fix --select I .
	$(BIN)/ruff format .

captures: $(READY) ## perform every scenario on this kernel again, and say what changed
	$(BIN)/python captures/make.py

docs: $(READY) ## write the generated documents again
	$(BIN)/python docs/make.py

gallery: $(READY) ## draw every kind of picture, in every format, onto one page, gallery/index.html
	$(BIN)/python docs/gallery.py

bench: $(READY) ## measure, and write docs/performance.md
	$(BIN)/python tests/benchmarks/speed.py > docs/performance.new
	@echo >> docs/performance.new
	$(BIN)/python tests/benchmarks/capturing.py >> docs/performance.new && mv docs/performance.new docs/performance.md

# The constraint file turns each "name>=bound" of pyproject.toml into "name==bound"; what these bring along stays free.
lowest: ## the same as test, with the oldest version that pyproject.toml allows of everything it names
	$(MAKE) --no-print-directory test VENV=.venv-lowest PINS='--constraint $$(VENV)/lowest.txt'

clean: ## remove what make has made
	rm -rf .venv .venv-lowest demo gallery build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find tcpviz tests -name __pycache__ -prune -exec rm -rf {} +

$(READY): pyproject.toml
	$(PYTHON) -m venv --clear $(VENV)
	@sed -n 's/^ *"\([a-z0-9-]*\)>=\([0-9.]*\)",$$/\1==\2/p' pyproject.toml > $(VENV)/lowest.txt
	$(BIN)/pip install -qq --disable-pip-version-check --editable '.[dev]' $(PINS)
	@touch $@
