package bus_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"countersign/worker/hook"
	"countersign/worker/hook/bus"
)

const server = "nats://127.0.0.1:4222"

// stream makes a stream of its own on the machine's NATS server.
func stream(t *testing.T) (js jetstream.JetStream, s jetstream.Stream, subject string) {
	t.Helper()
	conn, err := nats.Connect(server, nats.Timeout(2*time.Second))
	if err != nil && os.Getenv("CI") == "" {
		t.Skipf("no NATS server with JetStream on 127.0.0.1:4222: %v", err)
	}
	require.NoError(t, err, "CI needs a NATS server with JetStream on 127.0.0.1:4222")
	t.Cleanup(conn.Close)
	js, err = jetstream.New(conn)
	require.NoError(t, err)
	name := fmt.Sprintf("countersign_test_%d", time.Now().UnixNano())
	subject = name + ".changes"
	s, err = js.CreateStream(t.Context(), jetstream.StreamConfig{Name: name, Subjects: []string{subject},
		Storage: jetstream.MemoryStorage, Duplicates: time.Minute})
	require.NoError(t, err)
	t.Cleanup(func() { js.DeleteStream(context.Background(), name) }) //nolint:errcheck // a test ends
	return js, s, subject
}

// An event that is sent twice is stored once, since its id is the message's.
func TestAnEventIsStoredOnce(t *testing.T) {
	_, s, subject := stream(t)
	n := &bus.NATS{URL: server, Subject: subject, Timeout: 5 * time.Second}
	defer n.Close()
	e, err := hook.TestEvent("bus", time.Now())
	require.NoError(t, err)
	for range 3 {
		a := n.Send(t.Context(), e)
		require.True(t, a.Taken, a.Note)
	}
	info, err := s.Info(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 1, info.State.Msgs)
	m, err := s.GetMsg(t.Context(), 1)
	require.NoError(t, err)
	require.JSONEq(t, string(e.Body), string(m.Data))
	require.Equal(t, e.ID, m.Header.Get("Nats-Msg-Id"))
	require.Equal(t, hook.ContentType, m.Header.Get("Content-Type"))
}

func TestASubjectThatNoStreamTakesAndAServerThatIsDown(t *testing.T) {
	stream(t)
	n := &bus.NATS{URL: server, Subject: "countersign_test_nobody.changes", Timeout: 5 * time.Second}
	defer n.Close()
	e, err := hook.TestEvent("bus", time.Now())
	require.NoError(t, err)
	a := n.Send(t.Context(), e)
	require.False(t, a.Taken)
	require.Contains(t, a.Note, "no stream takes the subject")

	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	down := &bus.NATS{URL: "nats://" + l.Addr().String(), Subject: "x", Timeout: time.Second}
	defer down.Close()
	a = down.Send(t.Context(), e)
	require.False(t, a.Taken)
	require.Contains(t, a.Note, "not connected")
}
