// Package hook announces one change to one receiver: it chooses, writes the event, signs and sends it, and says whether
// it is to be sent again. It knows nothing of what was sent before.
package hook

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/cloudevents/sdk-go/v2/event"

	"countersign/model/announced"
)

// ContentType is that of an event.
const ContentType = "application/cloudevents+json; charset=utf-8"

// Event is one change as it is announced. The same change gives the same event, byte for byte, however often and
// wherever it is sent.
type Event struct {
	ID     string // a receiver that has seen it has seen the change
	Type   string // countersign.status and the like
	Body   []byte // a CloudEvent 1.0 as JSON
	Change announced.Change
}

// Answer is what became of an attempt.
type Answer struct {
	Taken bool
	Gone  bool          // the receiver says that it is gone for good
	Busy  bool          // the receiver wants nothing at all for a while
	Wait  time.Duration // it is sent again no sooner; 0: the receiver said nothing
	Note  string        // the answer in a few words, never a secret
}

// Sender sends an event to one receiver. It returns when the receiver has answered or its time is over, and as soon as
// ctx has ended.
type Sender func(ctx context.Context, e Event) Answer

// data is what an event tells: the keys of `changes --json`, and what says which transaction it is.
type data struct {
	Seq        int64  `json:"seq"`
	Account    string `json:"account"`
	Provider   string `json:"provider"`
	Ref        string `json:"ref"`
	ExternalID string `json:"external_id"`
	Test       bool   `json:"test"`
	Kind       string `json:"kind"`
	From       string `json:"from"`
	To         string `json:"to"`
	Status     string `json:"status"`
	Confirmed  bool   `json:"confirmed"`
	Source     string `json:"source"`
	At         string `json:"at"`
	Signer     string `json:"signer"`
	Document   string `json:"document"`
}

const stamp = "2006-01-02T15:04:05.000Z"

// EventOf is a change as an event.
func EventOf(a *announced.Change) (Event, error) {
	c := &a.Change
	e, err := newEvent(announced.ID(c), "countersign."+string(c.Kind), c.Account, c.Ref, c.At, c.Seq, data{
		c.Seq, c.Account, a.Provider, c.Ref, a.ExternalID, a.Test, string(c.Kind), c.From, c.To, string(c.Status),
		c.Confirmed, c.Source, c.At.UTC().Format(stamp), c.Signer, c.Document,
	})
	e.Change = *a
	return e, err
}

// TestEvent is an event that tells of nothing but that a hook is tried.
func TestEvent(hook string, at time.Time) (Event, error) {
	id := fmt.Sprintf("test_%s_%d", hook, at.UnixMilli())
	return newEvent(id, "countersign.test", "", "", at, 0, map[string]any{"hook": hook, "at": at.UTC().Format(stamp)})
}

func newEvent(id, kind, account, ref string, at time.Time, seq int64, data any) (Event, error) {
	e := event.New(event.CloudEventsVersionV1)
	e.SetID(id)
	e.SetType(kind)
	e.SetSource("/countersign/" + url.PathEscape(account))
	if ref != "" {
		e.SetSubject(url.PathEscape(ref))
	}
	e.SetTime(at.UTC())
	if seq > 0 {
		e.SetExtension("sequence", strconv.FormatInt(seq, 10))
	}
	text, err := json.Marshal(data)
	if err == nil {
		err = e.SetData("application/json", json.RawMessage(text))
	}
	if err != nil {
		return Event{}, fmt.Errorf("event %s: %w", id, err)
	}
	body, err := e.MarshalJSON()
	if err != nil {
		return Event{}, fmt.Errorf("event %s: %w", id, err)
	}
	return Event{ID: id, Type: kind, Body: body}, nil
}

// mostNote bounds what is kept of an answer.
const mostNote = 200

// Plain is the beginning of a text on one line, without what a terminal would take for an order.
func Plain(text string) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	text = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	if r := []rune(text); len(r) > mostNote {
		text = string(r[:mostNote]) + "…"
	}
	return text
}
