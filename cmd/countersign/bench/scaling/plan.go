// Package scaling computes what a large installation takes: from slopes that it measures on PostgreSQL, and from a
// simulated day under the budgets of the providers.
package scaling

import (
	"math"
	"time"

	"countersign/cmd/countersign/bench/stage"
)

// Slopes are what was measured: what one more of each costs.
type Slopes struct {
	At         time.Time     `json:"at"`
	Machine    stage.Machine `json:"machine"`
	Server     string        `json:"server"` // PostgreSQL's version
	Rows       int           `json:"rows"`   // transactions in the table at the end
	Tables     []Table       `json:"tables"`
	Load       Load          `json:"load"`
	Partitions Partitions    `json:"partitions"`
}

// Table is what a row of a table takes on disk, as the fill left it: with its indexes, what is stored beside it and the
// room of older versions.
type Table struct {
	Name    string  `json:"name"`
	Rows    int64   `json:"rows"`
	Bytes   float64 `json:"bytes"`   // of one more row, in all
	Indexes float64 `json:"indexes"` // of these, its indexes'
}

// Load is what a callback costs while one daemon is sent as many as it takes.
type Load struct {
	PerSecond float64 `json:"per_second"`
	CPU       float64 `json:"cpu_us"`        // of the daemon's process for a callback, in microseconds
	ServerCPU float64 `json:"server_cpu_us"` // of PostgreSQL's sessions for it
	WAL       float64 `json:"wal_bytes"`     // that PostgreSQL writes ahead for it
}

// Partitions compares one table of callbacks with one by months of the same rows.
type Partitions struct {
	Rows   int64 `json:"rows"` // in six months
	Plain  Way   `json:"plain"`
	Parted Way   `json:"parted"`
}

// Way is one of the two. Times are seconds, sizes bytes.
type Way struct {
	Fill    float64 `json:"fill_s"`
	FillWAL int64   `json:"fill_wal"`
	Find    float64 `json:"find_us"`  // looking whether a callback is a copy, in microseconds
	Drop    float64 `json:"drop_s"`   // taking the oldest month away, the vacuum included
	DropWAL int64   `json:"drop_wal"` // that it wrote
	Before  int64   `json:"before"`   // size before
	After   int64   `json:"after"`    // and after
}

// of is what a row of a table takes.
func (s Slopes) of(table string) float64 {
	for _, t := range s.Tables {
		if t.Name == table {
			return t.Bytes
		}
	}
	return 0
}

// Demand is how much there is.
type Demand struct {
	Open, Kept int     // transactions
	Burst      float64 // callbacks a second, at most
	Accounts   int
	OpenDays   float64 // how long one is open
	BodyDays   float64 // how long bodies of callbacks are kept (retention.bodies)
	OutboxDays float64 // how long announcements are kept (retention.outbox)
	Callbacks  float64 // of one transaction, as the next
	Changes    float64
	Signers    float64
	Documents  float64
	Announced  float64 // changes that a hook announces
	FileBytes  float64 // of one document
	BodyShare  float64 // of a callback's bytes that are its body
	Busy       float64 // share of a core that is planned for, so that peaks find room
	Cores      float64 // of one replica
}

// Large is the demand that docs/scaling.md is about.
func Large() Demand {
	return Demand{Open: 1_000_000, Kept: 100_000_000, Burst: 1000, Accounts: 50, OpenDays: 5, BodyDays: 90, OutboxDays: 30,
		Callbacks: 6, Changes: 6, Signers: 2, Documents: 2, Announced: 4, FileBytes: 250e3, BodyShare: 0.5, Busy: 0.5, Cores: 2}
}

// Flow is how much comes.
type Flow struct {
	Births    float64 // transactions a day
	Mean      float64 // callbacks a second
	Burst     float64 // how many times the mean the burst is
	FullAfter float64 // days until the kept are reached
	Never     float64 // days until they would be, were the burst the mean
}

// Flow follows from how many are open and for how long.
func (d Demand) Flow() Flow {
	births := float64(d.Open) / d.OpenDays
	mean := births * d.Callbacks / 86400
	return Flow{Births: births, Mean: mean, Burst: d.Burst / mean, FullAfter: float64(d.Kept) / births,
		Never: float64(d.Kept) * d.Callbacks / d.Burst / 86400}
}

// Size is what a table comes to.
type Size struct {
	Table   string
	Rows    float64
	PerRow  float64
	Bytes   float64
	Because string
}

// Sizes are the tables that grow with transactions.
func (d Demand) Sizes(s Slopes) []Size {
	all := float64(d.Open + d.Kept)
	births := d.Flow().Births
	young := births * d.Callbacks * d.BodyDays
	list := []Size{
		{Table: "transactions", Rows: all, Because: "open and kept"},
		{Table: "signers", Rows: all * d.Signers, Because: "two of each"},
		{Table: "documents", Rows: float64(d.Kept) * d.Documents, Because: "two of each that ended"},
		{Table: "history", Rows: all * d.Changes, Because: "six changes of each, kept for ever"},
		{Table: "callbacks", Rows: all * d.Callbacks, Because: "six of each; bodies for 90 days"},
		{Table: "search", Rows: all, Because: "words of names and signers"},
		{Table: "deliveries", Rows: births * d.Announced * d.OutboxDays, Because: "one hook, for 30 days"},
	}
	for i := range list {
		t := &list[i]
		t.PerRow = s.of(t.Table)
		t.Bytes = t.Rows * t.PerRow
		if t.Table == "callbacks" { // those whose bodies retention has taken are shorter
			t.Bytes = young*t.PerRow + max(t.Rows-young, 0)*t.PerRow*(1-d.BodyShare)
		}
	}
	return list
}

// Needs is what the machines must have.
type Needs struct {
	ReplicaCores float64 // busy at the burst
	Replicas     int     // of Cores cores each, Busy of them planned for, and one more that may be down
	ServerCores  float64 // busy at the burst, of PostgreSQL's sessions
	ServerPlan   float64 // with room
	WALBurst     float64 // bytes a second
	WALDay       float64 // bytes a day, at the mean
	PerDay       float64 // bytes that the tables grow by
	Puts         float64 // S3 requests a day that write
	Gets         float64 // and read
	Stored       float64 // bytes on S3 when the kept are reached
}

// Needs follow from the demand and the slopes.
func (d Demand) Needs(s Slopes) Needs {
	f := d.Flow()
	cores := d.Burst * s.Load.CPU / 1e6
	server := d.Burst * s.Load.ServerCPU / 1e6
	docs := f.Births * d.Documents
	day := f.Births * (s.of("transactions") + d.Signers*s.of("signers") + d.Documents*s.of("documents") +
		d.Changes*s.of("history") + d.Callbacks*s.of("callbacks") + s.of("search"))
	return Needs{ReplicaCores: cores, Replicas: int(math.Ceil(cores/(d.Cores*d.Busy))) + 1, ServerCores: server,
		ServerPlan: server / d.Busy, WALBurst: d.Burst * s.Load.WAL, WALDay: f.Mean * 86400 * s.Load.WAL, PerDay: day,
		Puts: docs, Gets: docs, Stored: float64(d.Kept) * d.Documents * d.FileBytes}
}
