// Package filestest is the suite that every archive must pass, and a real S3 server for tests.
package filestest

import (
	"bytes"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"countersign/worker/files"
)

// Variable names the S3 server of the tests: the program versitygw.
const Variable = "COUNTERSIGN_TEST_S3"

// Server is an S3 server of its own on this machine, with one bucket. It keeps what it has when it is stopped.
type Server struct {
	Folder string // where its objects lie, a file each

	address string
	root    string
	process *exec.Cmd
	said    bytes.Buffer
}

const bucketName = "documents"

// Start starts an S3 server for a test, and puts its credentials into the environment. Without one the test is skipped,
// with CI set it fails.
func Start(t testing.TB) *Server {
	t.Helper()
	if os.Getenv(Variable) == "" {
		const how = Variable + " names no S3 server: `go install github.com/versity/versitygw/cmd/versitygw@v1.8.0`, " +
			"then set it to that program's path"
		if os.Getenv("CI") != "" {
			t.Fatal(how)
		}
		t.Skip(how)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{address: l.Addr().String(), root: t.TempDir()}
	l.Close() //nolint:errcheck // the server takes it
	s.Folder = filepath.Join(s.root, "gateway", bucketName)
	for _, dir := range []string{s.Folder, filepath.Join(s.root, "sidecar")} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for name, value := range map[string]string{"AWS_ACCESS_KEY_ID": "tester", "AWS_SECRET_ACCESS_KEY": "a secret of the tests",
		"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull} {
		t.Setenv(name, value)
	}
	s.Up(t)
	t.Cleanup(func() { s.Down(t) })
	return s
}

// Address is the bucket, as the config names it.
func (s *Server) Address() string {
	return "s3://" + bucketName + "/kept/here?region=us-east-1&endpoint=http://" + s.address
}

// At is Address, read.
func (s *Server) At(t testing.TB) files.Address {
	t.Helper()
	at, err := files.ParseAddress(s.Address())
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// Up starts the server where it is down, and waits until it answers.
func (s *Server) Up(t testing.TB) {
	t.Helper()
	if s.process != nil {
		return
	}
	s.process = exec.Command(os.Getenv(Variable), "--port", s.address, "--access", "tester", "--secret", //nolint:gosec // the operator's
		"a secret of the tests", "--quiet", "posix", "--sidecar", filepath.Join(s.root, "sidecar"), filepath.Dir(s.Folder))
	s.process.Stdout, s.process.Stderr = &s.said, &s.said
	if err := s.process.Start(); err != nil {
		t.Fatal(err)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Second}
	for range 600 {
		answer, err := client.Get("http://" + s.address + "/")
		if err == nil {
			answer.Body.Close()
			return
		}
		time.Sleep(50 * time.Millisecond) // a process that starts tells nobody
	}
	t.Fatalf("the S3 server does not answer: %s", s.said.String())
}

// Down ends the server.
func (s *Server) Down(t testing.TB) {
	t.Helper()
	if s.process == nil {
		return
	}
	if err := s.process.Process.Kill(); err != nil {
		t.Error(err)
	}
	s.process.Wait() //nolint:errcheck // it was killed
	s.process = nil
}
