# make run    the main job on stand-ins of both clouds, with a page to look at
# make test   every test, with the race detector; make fuzz: each fuzz target for ten seconds
# make bench  us and our peers side by side; make soak: the long proofs; make lint
.PHONY: run test bench soak lint build setup fuzz cover

export CGO_ENABLED ?= 0
bin := bin/rialto

run: build
	@if [ -t 1 ]; then exec $(bin) demo; else exec $(bin) demo --once; fi

build:
	@go build -trimpath -ldflags="-s -w" -o $(bin) ./cmd/rialto

# setup installs what the tests use beside Go: real servers and a browser, from
# Debian. Without root it says what is missing; those tests then skip.
setup:
	@./scripts/setup

test: setup
	go vet ./...
	./scripts/test

fuzz:
	./scripts/fuzz 10s

bench: build
	./scripts/bench

soak: setup
	RIALTO_SOAK=1 go test -count=1 -timeout 6h -v -run 'Kill|Soak|Conformance|Organisation|Traced' ./cmd/rialto ./internal/... ./connectors/...

lint:
	./scripts/lint
