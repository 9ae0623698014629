//go:build blobs_more

package bucket

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"

	"gocloud.dev/blob"
	_ "gocloud.dev/blob/azureblob" // azblob://
	_ "gocloud.dev/blob/gcsblob"   // gs://
	"gocloud.dev/gcerrors"

	"countersign/worker/files"
)

// openers are the kinds of store that this build knows.
func openers() map[string]opener {
	return map[string]opener{"s3": openS3, "gs": openAny, "azblob": openAny}
}

// openAny takes the credentials where gocloud looks for them.
func openAny(ctx context.Context, at files.Address) (*blob.Bucket, objects, error) {
	b, err := blob.OpenBucket(ctx, at.Scheme+"://"+at.Bucket)
	return b, anyObjects{b}, err
}

// anyObjects writes by gocloud's writer, which gives an object its name when it is closed, and not where its context
// has ended before.
type anyObjects struct{ bucket *blob.Bucket }

func (a anyObjects) put(ctx context.Context, key string, body *os.File, _ int64, _ []byte) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	w, err := a.bucket.NewWriter(ctx, key, &blob.WriterOptions{ContentType: typeOf(key), IfNotExist: true})
	if err != nil {
		return err
	}
	if _, err := io.Copy(w, body); err != nil {
		stop() // a plain Close would give half a file its name
		return errors.Join(err, w.Close())
	}
	err = w.Close()
	if gcerrors.Code(err) == gcerrors.FailedPrecondition {
		return fs.ErrExist
	}
	return err
}

// stated has no SHA-256: these stores keep none.
func (a anyObjects) stated(ctx context.Context, key string) ([]byte, int64, error) {
	is, err := a.bucket.Attributes(ctx, key)
	if err != nil {
		return nil, 0, err
	}
	return nil, is.Size, nil
}
