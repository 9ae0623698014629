package main

// anything stands in arrows for a package that may import all of ours.
const anything = "*"

// arrows is who may import whom, of ours, in files that are not tests. provider/NAME and provider/simulator/NAME stand for each
// provider's folder. docs/decisions/0001-tree-and-arrows.md says why; a new arrow is argued for there.
var arrows = map[string][]string{
	"model":                  {},
	"model/words":            {"model"},
	"model/store/durable":    {},
	"model/store/seal":       {},
	"model/store/sqlitefile": {"model/store/durable"},
	"model/store/database":   {"model/store/sqlitefile", "model/store/durable"},
	"model/store":            {"model", "model/store/database", "model/store/durable", "model/store/seal"},

	"provider":                  {"model"},
	"provider/transport":        {"provider", "provider/lenient", "provider/transport/budget", "provider/transport/memory", "provider/transport/ways"},
	"provider/transport/budget": {"provider", "provider/transport/memory"},
	"provider/transport/memory": {},
	"provider/transport/ways":   {},
	"provider/lenient":          {},
	"provider/NAME":             {"model", "provider", "provider/transport", "provider/lenient"},
	"provider/providertest": {
		"model", "provider", "provider/transport", "provider/lenient", "provider/providertest/recorded", "provider/providertest/rules",
	},
	"provider/providertest/contract": {"provider/providertest"},
	"provider/providertest/recorded": {"provider"},
	"provider/providertest/rules":    {"model"},
	"provider/simulator": {
		"provider/simulator/NAME", "provider/simulator/world", "provider/simulator/world/pdf", "provider/simulator/world/wire",
	},
	"provider/simulator/NAME": {
		"provider/simulator/world", "provider/simulator/world/chance", "provider/simulator/world/life", "provider/simulator/world/pdf",
		"provider/simulator/world/wire",
	},
	"provider/simulator/simulatortest": {"provider/simulator", "provider/simulator/world"},
	"provider/simulator/world": {
		"provider/simulator/world/chance", "provider/simulator/world/life", "provider/simulator/world/pdf", "provider/simulator/world/wire",
	},
	"provider/simulator/world/chance": {},
	"provider/simulator/world/life":   {"provider/simulator/world/chance"},
	"provider/simulator/world/pdf":    {},
	"provider/simulator/world/wire":   {},

	"worker/pdf":         {"model"},
	"worker/pdf/pdftest": {},
	"worker/files":       {"model", "model/store/durable"},
	"worker/hook":        {"model", "model/store/durable"},
	"worker/incidents":   {"model", "model/store"},
	"worker/apply":       {"model", "model/store", "provider", "worker/incidents"},
	"worker/ask": {
		"model", "model/store", "provider", "worker/apply", "worker/ask/endless", "worker/ask/standing", "worker/incidents",
	},
	"worker/ask/endless":  {"provider"},
	"worker/ask/runs":     {"model", "model/store", "provider", "worker/apply", "worker/ask"},
	"worker/ask/standing": {},
	"worker/poll":         {"model", "model/store", "provider", "worker/apply", "worker/ask", "worker/ask/runs", "worker/incidents"},
	"worker/verify":       {"model", "model/store", "provider", "worker/apply", "worker/ask", "worker/ask/runs", "worker/files"},
	"worker/documents":    {"model", "model/store", "provider", "worker/apply", "worker/ask", "worker/files", "worker/pdf"},
	"worker": {
		"model", "model/store", "provider", "worker/apply", "worker/ask", "worker/ask/runs", "worker/poll", "worker/verify",
		"worker/documents", "worker/hook", "worker/files", "worker/pdf",
	},
	"worker/callback":        {"model", "provider", "worker/apply", "worker/callback/caller", "worker/callback/odd"},
	"worker/callback/caller": {},
	"worker/callback/odd":    {},
	"worker/console":         {"model", "model/words", "model/store"},
	"worker/workertest":      {"model", "model/store", "provider", "provider/providertest", "worker/apply", "worker/ask", "worker/ask/runs"},

	"cmd/countersign/config/tree":       {},
	"cmd/countersign/config/values":     {"cmd/countersign/config/tree", "provider"},
	"cmd/countersign/config":            {"cmd/countersign/config/tree", "cmd/countersign/config/values", "model", "provider"},
	"cmd/countersign/config/configtest": {"provider"},
	"cmd/countersign/config/changes":    {"cmd/countersign/config"},
	"cmd/countersign/output":            {"cmd/countersign/output/layout", "model", "model/words"},
	"cmd/countersign/output/layout":     {},
	"cmd/countersign/output/progress":   {"cmd/countersign/output", "model"},
	"cmd/countersign/sandbox":           {"worker/pdf"},
	"cmd/countersign/engine/keyfile": {
		"cmd/countersign/config", "cmd/countersign/config/tree", "cmd/countersign/output", "model/store/durable",
	},
	"cmd/countersign/engine/logs":         {"cmd/countersign/config", "cmd/countersign/output"},
	"cmd/countersign/engine/environ":      {"cmd/countersign/engine/logs", "cmd/countersign/output"},
	"cmd/countersign/engine/migration":    {"model/store", "model/store/database", "model/store/durable", "model/store/sqlitefile"},
	"cmd/countersign/engine/web":          {},
	"cmd/countersign/engine/readiness":    {"model", "model/store", "worker/files"},
	"cmd/countersign/engine/certificates": {"cmd/countersign/config"},
	"cmd/countersign/engine/accounts": {
		"cmd/countersign/config", "cmd/countersign/config/changes", "cmd/countersign/config/values",
		"model", "model/store", "provider", "provider/transport", "provider/transport/memory", "worker/apply",
	},
	"cmd/countersign/engine/queue": {
		"cmd/countersign/config", "cmd/countersign/output", "model", "model/store", "provider", "worker/apply", "worker/ask", "worker/ask/runs",
	},
	"cmd/countersign/engine/follow": {
		"cmd/countersign/output", "cmd/countersign/output/progress", "model", "model/store", "model/store/database",
	},
	"cmd/countersign/engine": {
		"cmd/countersign/config", "cmd/countersign/output", "cmd/countersign/output/progress", "cmd/countersign/sandbox",
		"cmd/countersign/engine/accounts", "cmd/countersign/engine/follow", "cmd/countersign/engine/queue", "cmd/countersign/config/changes", "cmd/countersign/config/values",
		"cmd/countersign/engine/certificates", "cmd/countersign/engine/keyfile", "cmd/countersign/engine/logs",
		"cmd/countersign/engine/environ", "cmd/countersign/engine/migration", "cmd/countersign/engine/readiness",
		"model", "model/store", "model/store/database", "model/store/durable", "model/store/sqlitefile", "provider",
		"worker", "worker/apply", "worker/ask", "worker/ask/runs", "worker/poll", "worker/verify", "worker/documents", "worker/files", "worker/pdf",
		"worker/callback", "worker/callback/odd", "worker/console",
	},
	"cmd/countersign/health": {
		"cmd/countersign/output/layout", "cmd/countersign/config/values",
		"cmd/countersign/config", "cmd/countersign/engine", "cmd/countersign/output", "model", "model/store", "model/store/database", "model/store/durable",
	},
	"cmd/countersign/arguments": {
		"cmd/countersign/engine/environ", "cmd/countersign/config", "cmd/countersign/engine", "cmd/countersign/output", "model", "model/store", "model/store/durable", "provider",
	},
	"cmd/countersign/export": {"cmd/countersign/engine", "cmd/countersign/output", "model", "model/store", "model/store/durable"},
	"cmd/countersign/login":  {"cmd/countersign/engine/environ", "cmd/countersign/engine/web", "cmd/countersign/engine", "cmd/countersign/output", "provider"},
	"cmd/countersign/replay": {
		"cmd/countersign/arguments", "cmd/countersign/config", "cmd/countersign/engine", "cmd/countersign/engine/accounts", "cmd/countersign/output",
		"model", "model/store", "provider", "worker/apply", "worker/callback",
	},
	"cmd/countersign/upkeep": {
		"cmd/countersign/arguments", "cmd/countersign/config", "cmd/countersign/engine", "cmd/countersign/engine/keyfile", "cmd/countersign/output",
		"model", "model/store", "model/store/database", "model/store/durable", "model/store/sqlitefile", "worker/files",
	},
	"cmd/countersign/doctor": {
		"cmd/countersign/config", "cmd/countersign/config/values", "cmd/countersign/engine", "cmd/countersign/health", "cmd/countersign/engine/accounts", "cmd/countersign/engine/keyfile",
		"cmd/countersign/engine/environ",
		"cmd/countersign/output", "cmd/countersign/sandbox", "model", "model/store", "model/store/database", "model/store/durable",
		"model/store/sqlitefile", "provider", "worker/files", "worker/pdf",
	},
	"cmd/countersign/demo": {
		"cmd/countersign/engine/web", "cmd/countersign/config", "cmd/countersign/engine", "cmd/countersign/output", "cmd/countersign/output/progress", "model",
		"model/store", "model/store/database", "provider", "provider/simulator", "worker/apply",
	},
	"cmd/countersign/bench": {"cmd/countersign/engine/web", "cmd/countersign/engine", "model", "model/store", "provider", "worker/apply", "worker/callback"},
	"cmd/countersign":       {anything},
}
