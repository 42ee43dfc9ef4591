# Everything that a change needs. Arguments go through ARGS: make test ARGS='-run TestName -v'

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

ARGS ?=

.DEFAULT_GOAL := help

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: test
test: ## Test every module with -race against private servers, which it installs, starts and stops
	scripts/test-servers.sh install servers prometheus compiler
	scripts/test-servers.sh run scripts/test.sh $(ARGS)

.PHONY: cover
cover: ## Print how much of the root module its own tests and those of tests/ cover, against private servers
	@profile=$$(mktemp); trap 'rm -f "$$profile"' EXIT; packages=$$(go list ./... | paste -sd,); \
	scripts/test-servers.sh run go test -timeout 25m -coverpkg="$$packages" -coverprofile="$$profile" $(ARGS) ./... ./tests/... ./tests/routing/...; \
	go tool cover -func="$$profile"

.PHONY: lint
lint: fmtcheck vet ## Check formatting, go vet and golangci-lint in every module
	scripts/lint.sh $(ARGS)

.PHONY: vet
vet: ## go vet in every module
	scripts/modules.sh go vet ./...

.PHONY: fmtcheck
fmtcheck: ## List the files that gofmt would change, and fail if there are any
	@files=$$(gofmt -l .); if [ -n "$$files" ]; then echo "run make fmt:" $$files >&2; exit 1; fi

.PHONY: fmt
fmt: ## Format every Go file
	gofmt -w .

.PHONY: bench
bench: ## Measure bare and wrapped drivers side by side, on private servers
	scripts/test-servers.sh run $(SHELL) -c 'cd bench && go run . $(ARGS)'

.PHONY: faults
faults: ## Break private servers while a service works through pooled, and tell what its callers saw
	scripts/test-servers.sh install pg15 mariadb mysql
	cd tests/faults && go run . $(ARGS)

.PHONY: observe
observe: ## Put a shop under load, and show what the dashboard shows of it
	scripts/test-servers.sh install pg15 prometheus
	go run ./examples/observability $(ARGS)
