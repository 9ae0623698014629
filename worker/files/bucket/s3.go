package bucket

import (
	"context"
	"encoding/base64"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"gocloud.dev/blob"
	"gocloud.dev/blob/s3blob"

	"countersign/worker/files"
)

// s3Objects writes by one request, however large a file is: gocloud's writer keeps files, or their parts, in memory, and
// an upload in parts that a kill ends is kept, and paid for, until somebody ends it.
type s3Objects struct {
	client *s3.Client
	at     files.Address
}

// openS3 takes the credentials where Amazon's client looks for them: the environment, ~/.aws, the machine's role.
func openS3(ctx context.Context, at files.Address) (*blob.Bucket, objects, error) {
	transport := awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.ResponseHeaderTimeout = time.Minute // a store that hangs is one that is away
	})
	how := []func(*config.LoadOptions) error{config.WithHTTPClient(transport)}
	if at.Region != "" {
		how = append(how, config.WithRegion(at.Region))
	}
	c, err := config.LoadDefaultConfig(ctx, how...)
	if err != nil {
		return nil, nil, err
	}
	if c.Region == "" {
		c.Region = "us-east-1" // what servers that have no regions call theirs
	}
	client := s3.NewFromConfig(c, func(o *s3.Options) {
		o.UsePathStyle = at.PathStyle
		o.DisableLogOutputChecksumValidationSkipped = true
		if at.Endpoint != "" {
			o.BaseEndpoint = aws.String(at.Endpoint)
			// Other servers may know no checksums beyond those that are asked for.
			o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
			o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
		}
	})
	bucket, err := s3blob.OpenBucket(ctx, client, at.Bucket, nil)
	return bucket, &s3Objects{client, at}, err
}

func (s *s3Objects) put(ctx context.Context, key string, body *os.File, size int64, sum []byte) error {
	in := &s3.PutObjectInput{
		Bucket: aws.String(s.at.Bucket), Key: aws.String(key), Body: body, ContentLength: aws.Int64(size),
		ContentType: aws.String(typeOf(key)), IfNoneMatch: aws.String("*"),
		ChecksumSHA256: aws.String(base64.StdEncoding.EncodeToString(sum)),
	}
	if s.at.SSE != "" {
		in.ServerSideEncryption = types.ServerSideEncryption(s.at.SSE)
	}
	if s.at.KMSKey != "" {
		in.SSEKMSKeyId = aws.String(s.at.KMSKey)
	}
	_, err := s.client.PutObject(ctx, in)
	if code := codeOf(err); code == "PreconditionFailed" || code == "ConditionalRequestConflict" || statusOf(err) == http.StatusPreconditionFailed {
		return fs.ErrExist
	}
	return err
}

func (s *s3Objects) stated(ctx context.Context, key string) ([]byte, int64, error) {
	out, err := s.client.HeadObject(ctx, &s3.HeadObjectInput{
		Bucket: aws.String(s.at.Bucket), Key: aws.String(key), ChecksumMode: types.ChecksumModeEnabled,
	})
	if err != nil {
		return nil, 0, err
	}
	size, text := aws.ToInt64(out.ContentLength), aws.ToString(out.ChecksumSHA256)
	if text == "" || strings.Contains(text, "-") || out.ChecksumType == types.ChecksumTypeComposite {
		return nil, size, nil // of parts, so that it is none of the file
	}
	sum, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, size, errors.New("the store states a checksum that cannot be read")
	}
	return sum, size, nil
}

func typeOf(key string) string {
	if strings.HasSuffix(key, ".pdf") {
		return pdfType
	}
	return otherType
}
