package transport

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"

	"countersign/provider"
)

const sniffed = 1024

// Save copies a successful answer's file to w, closes the answer, and returns what the service
// declared about the file. Any other answer is a StatusError. A file that is shorter or longer than
// declared, empty, or a page or message in place of a file is ErrInvalidFile, wrapped. Whether it is a PDF, and a
// whole one, is for the caller to check. A file that stands still for 30 s is an error.
func Save(w io.Writer, resp *http.Response) (provider.Declared, error) {
	if resp.StatusCode != http.StatusOK {
		return provider.Declared{}, StatusError(resp)
	}
	body := resp.Body
	if _, ok := body.(*watched); !ok {
		body = &watched{body: body, left: 1 << 40, idle: idleFile, why: func(err error) error { return err },
			cancel: func(error) {}}
	}
	defer body.Close()
	if w, ok := body.(*watched); ok && resp.ContentLength > w.left {
		return provider.Declared{}, fmt.Errorf("read file: %w", provider.ErrTooLarge)
	}
	d := provider.Declared{ContentType: resp.Header.Get("Content-Type"), Length: resp.ContentLength}
	if _, params, err := mime.ParseMediaType(resp.Header.Get("Content-Disposition")); err == nil {
		d.Name = params["filename"]
	}
	source := &reading{from: body}
	head := make([]byte, sniffed)
	n, err := io.ReadFull(source, head)
	head = head[:n]
	switch {
	case err == nil, errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF) && source.err == nil:
	default:
		return d, fileError(source.err)
	}
	if what := instead(head, mediaType(resp.Header)); what != "" {
		return d, fmt.Errorf("%w: %s came in its place", provider.ErrInvalidFile, what)
	}
	size, err := io.Copy(w, io.MultiReader(bytes.NewReader(head), source))
	switch {
	case source.err != nil:
		return d, fileError(source.err)
	case err != nil:
		return d, fmt.Errorf("write file: %w", err)
	case d.Length >= 0 && size != d.Length:
		return d, fmt.Errorf("%w: %d bytes of %d", provider.ErrInvalidFile, size, d.Length)
	}
	return d, nil
}

// reading remembers why reading failed, so that it is not taken for a fault of the writer.
type reading struct {
	from io.Reader
	err  error
}

// Read is for io.Reader.
func (r *reading) Read(p []byte) (int, error) {
	n, err := r.from.Read(p)
	if err != nil && err != io.EOF {
		r.err = err
	}
	return n, err
}

// fileError returns the meaning of an error that broke off a body. The end of the caller's context and the size limit
// are no faults of the file.
func fileError(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, provider.ErrTooLarge) {
		return fmt.Errorf("read file: %w", err)
	}
	return fmt.Errorf("%w: %w", provider.ErrInvalidFile, provider.Redact(err))
}

// instead names what came in place of a file, "" where it may be one.
func instead(head []byte, kind string) string {
	text := bytes.ToLower(bytes.TrimLeft(head, "\xef\xbb\xbf \t\r\n"))
	switch {
	case len(head) == 0:
		return "nothing"
	case bytes.Contains(head, []byte("%PDF-")):
		return ""
	case kind == "text/html", bytes.HasPrefix(text, []byte("<!doctype")), bytes.HasPrefix(text, []byte("<html")):
		return "a web page"
	case kind == "application/json", kind == "application/problem+json", bytes.HasPrefix(text, []byte(`{"`)):
		return "a message in JSON"
	}
	return ""
}

// Do sends a request. Its error shows neither the path nor the query.
func Do(c *http.Client, req *http.Request) (*http.Response, error) {
	resp, err := c.Do(req)
	if err != nil {
		return nil, provider.Redact(err)
	}
	return resp, nil
}
