package bucket

import (
	"context"
	"mime"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"gocloud.dev/blob"

	"countersign/worker/files"
)

var _ files.Linker = (*Bucket)(nil)

// Link signs a URL of an object. Nobody is asked whether the object is there.
func (b *Bucket) Link(ctx context.Context, name, saveAs, contentType string, lasts time.Duration) (string, error) {
	key, err := b.key(name)
	if err != nil {
		return "", err
	}
	url, err := b.bucket.SignedURL(ctx, key, &blob.SignedURLOptions{
		Method: http.MethodGet, Expiry: lasts, BeforeSign: func(as func(any) bool) error {
			var in *s3.GetObjectInput
			if as(&in) { // offered for saving, never shown: what is in it was written by strangers
				in.ResponseContentDisposition = aws.String(
					mime.FormatMediaType("attachment", map[string]string{"filename": saveAs}))
				in.ResponseContentType = aws.String(contentType)
				in.ResponseCacheControl = aws.String("private, no-store")
			}
			return nil
		},
	})
	return url, b.told("link", name, err)
}
