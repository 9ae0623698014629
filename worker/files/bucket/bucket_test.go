package bucket_test

import (
	"errors"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign/worker/files"
	"countersign/worker/files/bucket"
	"countersign/worker/files/filestest"
)

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t testing.TB, at files.Address) *bucket.Bucket {
	t.Helper()
	b, err := bucket.Open(t.Context(), at, filepath.Join(t.TempDir(), "spool"), time.Now)
	check(t, err)
	return b
}

// lying lists the objects of the bucket from the disk of the server, below the prefix of the address.
func lying(t *testing.T, s *filestest.Server) (out []string) {
	t.Helper()
	root := filepath.Join(s.Folder, "kept", "here")
	check(t, filepath.WalkDir(root, func(p string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if rel, _ := filepath.Rel(root, p); err == nil && !e.IsDir() {
			out = append(out, filepath.ToSlash(rel))
		}
		return err
	}))
	slices.Sort(out)
	return out
}

func TestBucketKeepsTheContract(t *testing.T) {
	filestest.Contract(t, func(t *testing.T) (files.Archive, func(t *testing.T) []string) {
		s := filestest.Start(t)
		return open(t, s.At(t)), func(t *testing.T) []string { t.Helper(); return lying(t, s) }
	})
}

// A folder that was copied to a bucket as it is has its names there; one that was copied without checksums is read.
func TestAFolderIsCopiedToABucketAsItIs(t *testing.T) {
	s := filestest.Start(t)
	const name = "acc/2026/01/a%2Fb/1.pdf"
	f, err := files.Open(filepath.Join(s.Folder, "kept", "here"))
	check(t, err)
	path, sum := filestest.Temporary(t, f, "copied")
	check(t, f.Place(t.Context(), path, name, sum))
	b := open(t, s.At(t))
	got, err := b.Taken(t.Context(), name)
	check(t, err)
	if got != sum {
		t.Errorf("has %s, want %s", got, sum)
	}
	path, sum = filestest.Temporary(t, b, "copied")
	check(t, b.Place(t.Context(), path, name, sum)) // the same content is the same document
	check(t, os.WriteFile(filepath.Join(s.Folder, "kept", "here", "acc", "empty.pdf"), nil, 0o600))
	path, sum = filestest.Temporary(t, b, "one")
	check(t, b.Place(t.Context(), path, "acc/empty.pdf", sum)) // a killed process left an empty file
	if got, err := b.Taken(t.Context(), "acc/empty.pdf"); err != nil || got != sum {
		t.Errorf("has %s, %v", got, err)
	}
}

// What is wrong with a bucket is said in words that help, and without what is secret.
func TestWhatIsWrongIsSaid(t *testing.T) {
	s := filestest.Start(t)
	for what, c := range map[string]struct {
		address string
		env     [2]string
		words   string
	}{
		"bucket": {address: strings.Replace(s.Address(), "://documents", "://nobodys", 1), words: "the bucket does not exist (NoSuchBucket)"},
		"secret": {env: [2]string{"AWS_SECRET_ACCESS_KEY", "a wrong secret"}, words: "refuses the credentials (SignatureDoesNotMatch)"},
		"key":    {env: [2]string{"AWS_ACCESS_KEY_ID", "nobody"}, words: "the store refuses the credentials ("},
		"none":   {env: [2]string{"AWS_ACCESS_KEY_ID", ""}, words: "no credentials were found"},
		"region": {address: strings.Replace(s.Address(), "us-east-1", "eu-west-1", 1), words: "the bucket is in another region"},
		"host":   {address: "s3://documents?region=us-east-1&endpoint=http://127.0.0.1:1", words: "connection refused"},
	} {
		t.Run(what, func(t *testing.T) {
			if c.env[0] != "" {
				t.Setenv(c.env[0], c.env[1])
			}
			at := s.At(t)
			if c.address != "" {
				var err error
				at, err = files.ParseAddress(c.address)
				check(t, err)
			}
			b := open(t, at)
			_, err := b.Lost(t.Context())
			if err == nil || !strings.Contains(err.Error(), c.words) || !errors.Is(err, files.ErrAway) {
				t.Fatalf("got %v, want %q", err, c.words)
			}
			for _, secret := range []string{"secret of the tests", "wrong secret", "tester", "127.0.0.1"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("%v tells %q", err, secret)
				}
			}
			if err := b.Ready(t.Context()); !errors.Is(err, files.ErrAway) {
				t.Errorf("it is ready: %v", err)
			}
		})
	}
}

// A link brings the file, to be saved under the name that was said, and ends.
func TestALinkBringsTheFile(t *testing.T) {
	s := filestest.Start(t)
	b := open(t, s.At(t))
	path, sum := filestest.Temporary(t, b, "one")
	check(t, b.Place(t.Context(), path, "acc/2026/01/a/1.pdf", sum))
	link, err := b.Link(t.Context(), "acc/2026/01/a/1.pdf", "café \"x\".pdf", "application/pdf", time.Minute)
	check(t, err)
	answer, err := http.Get(link) //nolint:gosec // our own
	check(t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	check(t, err)
	_, how, err := mime.ParseMediaType(answer.Header.Get("Content-Disposition"))
	check(t, err)
	if answer.StatusCode != 200 || string(body) != "one" || how["filename"] != "café \"x\".pdf" ||
		answer.Header.Get("Content-Type") != "application/pdf" {
		t.Errorf("%d %q %v", answer.StatusCode, body, answer.Header)
	}
	if u, err := url.Parse(link); err != nil || u.Query().Get("X-Amz-Expires") != "60" {
		t.Errorf("it does not end: %v", err)
	}
}

// While a store is away it is tried by one at a time, after a pause that grows.
func TestAStoreThatIsAwayIsTriedSeldom(t *testing.T) {
	s := filestest.Start(t)
	now := time.Now()
	b, err := bucket.Open(t.Context(), s.At(t), filepath.Join(t.TempDir(), "spool"), func() time.Time { return now })
	check(t, err)
	check(t, b.Ready(t.Context()))
	s.Down(t)
	if _, err := b.Taken(t.Context(), "acc/1.pdf"); !errors.Is(err, files.ErrAway) {
		t.Fatalf("got %v", err)
	}
	s.Up(t)
	if err := b.Ready(t.Context()); !errors.Is(err, files.ErrAway) {
		t.Errorf("it was tried at once: %v", err)
	}
	now = now.Add(time.Minute)
	check(t, b.Ready(t.Context()))
	now = now.Add(-time.Minute)
	check(t, b.Ready(t.Context()))
	if len(lying(t, s)) != 0 {
		t.Errorf("the trial left %q", lying(t, s))
	}
}
