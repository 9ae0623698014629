package bucket

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"strings"
	"syscall"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	"gocloud.dev/gcerrors"

	"countersign/worker/files"
)

// Fault is what an object store answered, or that it did not. Its words name no address, no account and no key.
type Fault struct {
	Words string // what is wrong, for people
	Code  string // the store's own word for it; "": it gave none
	away  bool   // the store cannot be used at all
	err   error
}

func (f *Fault) Error() string {
	if f.Code == "" {
		return f.Words
	}
	return f.Words + " (" + f.Code + ")"
}

// Is makes a fault that concerns the whole store files.ErrAway.
func (f *Fault) Is(target error) bool {
	return target == files.ErrAway && f.away ||
		(target == context.Canceled || target == context.DeadlineExceeded) && errors.Is(f.err, target)
}

// codes are the answers of S3 that say what an operator can do.
func codes() map[string]string {
	const refused = "the store refuses the credentials"
	return map[string]string{
		"NoSuchBucket":                 "the bucket does not exist",
		"AccessDenied":                 "the credentials may not do this: see the policy in docs/operating.md",
		"Forbidden":                    "the credentials may not do this: see the policy in docs/operating.md",
		"AllAccessDisabled":            "the bucket is closed to everybody",
		"InvalidAccessKeyId":           refused,
		"SignatureDoesNotMatch":        refused,
		"XAdminUserNotFound":           refused, // versitygw's word for a key that it does not know
		"InvalidToken":                 refused,
		"ExpiredToken":                 "the credentials have expired",
		"RequestTimeTooSkewed":         "this machine's clock and the store's differ by more than a quarter of an hour",
		"PermanentRedirect":            "the bucket is in another region, or at another endpoint",
		"AuthorizationHeaderMalformed": "the bucket is in another region: name it with ?region=",
		"IllegalLocationConstraint":    "the bucket is in another region: name it with ?region=",
		"SlowDown":                     "the store asks to slow down",
		"ServiceUnavailable":           "the store is out of service",
		"InternalError":                "the store has a fault of its own",
		"QuotaExceeded":                "the bucket is full",
		"InsufficientStorage":          "the bucket is full",
		"XMinioStorageFull":            "the bucket is full",
		"KMS.DisabledException":        "the key of the encryption is disabled",
		"KMS.NotFoundException":        "the key of the encryption does not exist",
	}
}

// faultOf says in words what an error of a store means. What is missing is fs.ErrNotExist, what is taken fs.ErrExist.
func faultOf(op string, err error) error {
	code, status := codeOf(err), statusOf(err)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrExist), errors.Is(err, fs.ErrNotExist), errors.Is(err, errAltered):
		return err
	case errors.Is(err, context.Canceled):
		return &Fault{Words: "the request was broken off", err: err}
	case codes()[code] != "":
		return &Fault{Words: codes()[code], Code: code, away: true, err: err}
	case code == "NoSuchKey", code == "NotFound", gcerrors.Code(err) == gcerrors.NotFound:
		return fs.ErrNotExist
	case code == "InvalidObjectState", code == "ObjectNotInActiveTierError":
		return &Fault{Words: "the file lies in an archive class, from which it has to be brought back first", Code: code, err: err}
	case code == "BadDigest", code == "XAmzContentChecksumMismatch", code == "XAmzContentSHA256Mismatch":
		return &Fault{Words: "another file arrived at the store than was sent", Code: code, err: err}
	case status == http.StatusMovedPermanently:
		return &Fault{Words: codes()["PermanentRedirect"], Code: http.StatusText(status), away: true, err: err}
	case status == http.StatusForbidden || status == http.StatusUnauthorized, gcerrors.Code(err) == gcerrors.PermissionDenied:
		return &Fault{Words: codes()["AccessDenied"], Code: code, away: true, err: err}
	case status != 0:
		return &Fault{Words: fmt.Sprintf("the store answers %d", status), Code: code, away: status >= 500, err: err}
	}
	return &Fault{Words: unanswered(err), away: true, err: err}
}

// unanswered says why there is no answer. The address stands in the config.
func unanswered(err error) string {
	var (
		name    *net.DNSError
		unknown x509.UnknownAuthorityError
		host    x509.HostnameError
		invalid x509.CertificateInvalidError
		wait    net.Error
	)
	switch {
	case errors.As(err, &name):
		return "the name of the store's host is not known"
	case errors.As(err, &unknown), errors.As(err, &host), errors.As(err, &invalid):
		return "the store's certificate is not to be trusted"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "the store does not answer: connection refused"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &wait) && wait.Timeout():
		return "the store does not answer in time"
	case strings.Contains(err.Error(), "get credentials") || strings.Contains(err.Error(), "could not find default credentials"):
		return "no credentials were found: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, ~/.aws, or the machine's role"
	}
	return "the store does not answer"
}

// codeOf is the store's word for an error; "": none.
func codeOf(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

func statusOf(err error) int {
	var answer *awshttp.ResponseError
	if errors.As(err, &answer) {
		return answer.HTTPStatusCode()
	}
	return 0
}

// told is an error of an operation as a file system would tell it, and what it says of the store is remembered.
func (b *Bucket) told(op, name string, err error) error {
	if err = faultOf(op, err); err == nil {
		return nil
	}
	if errors.Is(err, files.ErrAway) {
		b.note(err)
	}
	return &fs.PathError{Op: op, Path: name, Err: err}
}
