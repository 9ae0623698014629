# `make` builds the binary as it is released; .ci/run does everything that has to hold.
.PHONY: build test race lint ci demo bench kills crashes nightly corpus vulncheck

build:
	.ci/run build

test:
	go test ./...

race:
	.ci/run test

lint:
	.ci/run gofmt vet lint

ci:
	.ci/run

demo:
	go run ./cmd/countersign demo

bench:
	go run ./cmd/countersign bench ingest

# Kill the program at random for ten minutes, and three times at each of its crash points, each in a world of its own.
kills:
	COUNTERSIGN_KILL_FOR=10m go test -count=1 -timeout 30m -v -run 'TestKilledAtRandom$$' ./cmd/countersign

crashes:
	COUNTERSIGN_CRASH_EACH=3 go test -count=1 -timeout 30m -v -run 'TestCrashPoints$$' ./cmd/countersign

# Ten thousand storms (docs/developing.md), others each day. One that fails prints how to play it again.
nightly:
	go test ./cmd/countersign -run 'TestStorm$$' -timeout 0 -storm.seeds=10000 -storm.first=$$(($$(date +%s) / 86400 * 10000))

# Write the attacked files and their harmless twins into a folder, with what is found in each (corpus.tsv).
corpus:
	mkdir -p $(or $(TO),corpus)
	go test -count=1 ./worker/pdf -run 'TestTheCorpusIsWritten$$' -v -pdf.corpus $(abspath $(or $(TO),corpus))

# Needs the network: the tool and its database are fetched.
vulncheck:
	go run golang.org/x/vuln/cmd/govulncheck@latest ./...
