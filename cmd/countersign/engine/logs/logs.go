// Package logs is the daemon's log: discreet, in UTC, and never a reason for the daemon to wait or to end.
package logs

import (
	"io"
	"maps"
	"strings"
	"time"

	"github.com/sirupsen/logrus"

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/output"
)

// New is what the daemon logs with: text where a person watches, JSON otherwise.
func New(c config.Log, to io.Writer, lookup func(string) (string, bool), now func() time.Time) *logrus.Logger {
	log := logrus.New()
	log.SetOutput(to)
	level, err := logrus.ParseLevel(c.Level)
	if err != nil {
		level = logrus.InfoLevel
	}
	log.SetLevel(level)
	stamp := "2006-01-02T15:04:05.000Z07:00"
	if c.Format == "text" || c.Format != "json" && output.IsTerminal(to) {
		log.SetFormatter(&logrus.TextFormatter{
			FullTimestamp: true, TimestampFormat: stamp, DisableColors: !output.WantsColour(lookup), DisableQuote: false,
		})
	} else {
		log.SetFormatter(&logrus.JSONFormatter{TimestampFormat: stamp})
	}
	log.AddHook(discretion{})
	if q, ok := to.(*Writer); ok {
		q.SetNotice(func(dropped uint64) []byte { return droppedNotice(log, now(), dropped) })
	}
	return log
}

// droppedNotice is the log line that says how many lines the log lacks.
func droppedNotice(log *logrus.Logger, at time.Time, dropped uint64) []byte {
	line, err := log.Formatter.Format(&logrus.Entry{
		Logger: log, Data: logrus.Fields{"lines": dropped}, Time: at.UTC(), Level: logrus.WarnLevel,
		Message: "log lines were dropped: the log could not be written",
	})
	if err != nil {
		return nil
	}
	return line
}

// discretion is a log hook that drops what a log must not hold, whoever logged it, and writes
// times in UTC.
type discretion struct{}

// Levels returns all of them.
func (discretion) Levels() []logrus.Level { return logrus.AllLevels }

// Fire drops fields that are personal or secret by their name.
func (discretion) Fire(e *logrus.Entry) error {
	e.Time = e.Time.UTC()
	maps.DeleteFunc(e.Data, func(name string, v any) bool {
		if t, ok := v.(time.Time); ok {
			e.Data[name] = t.UTC()
		}
		return indiscreet(name)
	})
	return nil
}

// indiscreet says whether a field of this name may hold a person or a secret.
func indiscreet(name string) bool {
	name = strings.ToLower(name[strings.LastIndexByte(name, '.')+1:])
	switch name {
	case "name", "signer", "email", "mail", "phone", "body", "header", "headers", "url", "key", "query", "args", "sql":
		return true
	}
	for _, part := range []string{"secret", "token", "password", "passwd", "api_key", "apikey", "authorization",
		"cookie", "signature", "signer_"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}
