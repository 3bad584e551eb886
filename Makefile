# sunup: see README.md. `make help` lists the targets.
GO ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
BIN := bin/sunup

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## build bin/sunup, one static binary
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o $(BIN) ./cmd/sunup

.PHONY: test
test: ## run all tests, installing what they need where that is possible
	@sh scripts/test.sh

.PHONY: check
check: ## formatting, vet, static analysis, layers, known vulnerabilities
	@sh scripts/check.sh

.PHONY: demo
demo: build ## start an embedded fleet and run the sample morning startup on it
	@sh scripts/demo.sh

N ?= 6

.PHONY: lab-up
lab-up: build ## start N=6 real Debian and BusyBox hosts in ./rack (root; debootstrap, systemd-container)
	@sh scripts/lab.sh up $(N)

.PHONY: lab-down
lab-down: ## end the hosts of lab-up
	@sh scripts/lab.sh down

.PHONY: bench
bench: build ## measure a run beside a bare SSH client, and a fleet of 1,000 hosts
	@sh scripts/bench.sh

.PHONY: torture
torture: ## kill a run behind every event and at 200 random moments, also on real sshd, and resume it; 10,000 random plans against the model
	@SUNUP_TORTURE=full $(GO) test -trimpath ./cmd/sunup -run TestTorture -v -timeout 120m
	@SUNUP_WORLDS=10000 $(GO) test -trimpath ./runner -run TestGraphDoesWhatTheModelSays -v -timeout 60m

.PHONY: conformance
conformance: build ## run ansible-core's own integration targets: ANSIBLE_SRC=checkout TARGETS="loops blocks"
	@ANSIBLE_SRC="$(ANSIBLE_SRC)" TARGETS="$(TARGETS)" sh scripts/conformance.sh

.PHONY: pages
pages: ## open report pages in headless Chromium: console, accessibility, pictures in bin/pages
	@sh scripts/pages.sh

.PHONY: golden
golden: ## rewrite the golden files of the tests; review the difference like code
	@sh scripts/golden.sh

.PHONY: reference
reference: build ## write docs/modules.md and docs/compatibility.md from the module declarations
	$(BIN) doc --markdown --lang en > docs/modules.md
	$(BIN) doc --markdown --lang ko > docs/modules.ko.md
	$(BIN) doc --compatibility --lang en > docs/compatibility.md
	$(BIN) doc --compatibility --lang ko > docs/compatibility.ko.md

.PHONY: clean
clean: ## remove what was built
	rm -rf bin
