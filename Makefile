# `make` builds the binary as it is released; .ci/run does everything that has to hold.
.PHONY: build test race lint ci demo bench benchstat benchbase kills hookkills crashes nightly corpus vulncheck

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
	go run -tags sqlite_fts5 ./cmd/countersign bench ingest

# The micro-benchmarks beside those of docs/bench/base.txt, which one machine recorded (its first lines say which): run
# `make benchbase` on the state before a change where yours is another. Needs the network: the tool is fetched.
benched = ./model ./model/store ./worker/apply ./provider/onespan ./provider/dropboxsign ./provider/allsign \
	./provider/autosign ./provider/documenso
measured = go test -run '^$$' -bench 'Decide|Settle|Receive|Callback|Answers|List' -count 6 -benchtime 300ms $(benched)

benchstat:
	mkdir -p bin
	$(measured) >bin/bench.txt
	go run golang.org/x/perf/cmd/benchstat@v0.0.0-20260908200009-22c9c6c9d4da docs/bench/base.txt bin/bench.txt

benchbase:
	$(measured) >docs/bench/base.txt

# Kill the program at random for ten minutes, and three times at each of its crash points, each in a world of its own.
kills:
	COUNTERSIGN_KILL_FOR=10m go test -count=1 -timeout 30m -v -run 'TestKilledAtRandom$$' ./cmd/countersign/killed

# Kill the daemon and the receiver of a hook a thousand times while changes come.
hookkills:
	COUNTERSIGN_HOOK_KILLS=1000 go test -count=1 -timeout 60m -v -run 'TestHooksOverKills$$' ./cmd/countersign/killed

crashes:
	COUNTERSIGN_CRASH_EACH=3 go test -count=1 -timeout 30m -v -run 'TestCrashPoints$$' ./cmd/countersign/killed

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
