// Package archive opens what the config names as the place of documents: a folder, or a bucket.
package archive

import (
	"context"
	"time"

	"countersign/cmd/countersign/config"
	"countersign/worker/files"
	"countersign/worker/files/bucket"
)

// Open opens it for storing: a folder is made where it is missing, and the spool of a bucket is.
func Open(ctx context.Context, c *config.Config) (files.Archive, error) {
	at := c.DocumentsAddress()
	if at.Local() {
		return files.Open(at.Folder)
	}
	return bucket.Open(ctx, at, c.SpoolFolder(), time.Now)
}

// At opens it for reading: a folder that is missing stays so.
func At(ctx context.Context, c *config.Config) (files.Archive, error) {
	if at := c.DocumentsAddress(); at.Local() {
		return files.At(at.Folder), nil
	}
	return Open(ctx, c)
}
