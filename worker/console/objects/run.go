package objects

import (
	"encoding/json"

	"countersign/model"
)

// Run is one pass of a poll tier, a backfill, a verify or a retry for one account.
type Run struct {
	ID         string `json:"id"`
	Account    string `json:"account"`
	Kind       string `json:"kind"`
	State      string `json:"state"`
	By         string `json:"by"` // who asked for it: "slot", "operator", or "operator NAME"
	Note       string `json:"note"`
	Slot       Stamp  `json:"slot"`
	Since      Stamp  `json:"since"`
	Until      Stamp  `json:"until"`
	Listed     int    `json:"listed"`
	Asked      int    `json:"asked"`
	Changed    int    `json:"changed"`
	Gaps       int    `json:"gaps"`
	Documents  int    `json:"documents"` // queued
	Total      int    `json:"total"`     // 0: not known
	Left       int    `json:"left"`
	CreatedAt  Stamp  `json:"created_at"`
	StartedAt  Stamp  `json:"started_at"`
	FinishedAt Stamp  `json:"finished_at"`
}

// OfRun is what is shown of a run.
func OfRun(r model.Run) Run {
	return Run{
		ID: r.ID, Account: r.Account, Kind: r.Kind, State: string(r.State), By: askedBy(r), Note: r.Note, Slot: Stamp{r.Slot},
		Since: Stamp{r.Since}, Until: Stamp{r.Until}, Listed: r.Listed, Asked: r.Asked, Changed: r.Changed, Gaps: r.Gaps,
		Documents: r.Queued, Total: r.Total, Left: r.Left, CreatedAt: At(r.CreatedAt), StartedAt: Stamp{r.StartedAt},
		FinishedAt: Stamp{r.FinishedAt},
	}
}

// RefsOf are the transactions that a run was asked for; none where its tier chooses them.
func RefsOf(r model.Run) []string {
	var p struct {
		Refs []string `json:"refs"`
	}
	if json.Unmarshal([]byte(r.Params), &p) != nil {
		return nil
	}
	return p.Refs
}

// askedBy says who asked for a run.
func askedBy(r model.Run) string {
	var p struct {
		By string `json:"by"`
	}
	switch err := json.Unmarshal([]byte(r.Params), &p); {
	case err == nil && p.By != "":
		return p.By
	case r.Slot != nil:
		return "slot"
	}
	return "operator"
}
