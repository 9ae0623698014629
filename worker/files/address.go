package files

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Address says where an archive is. It holds no credentials: those come from the environment.
type Address struct {
	Scheme string // "file" or "s3"; in a build with the tag blobs_more "gs" and "azblob" too
	Folder string // of "file": where it lies on this machine
	Bucket string // of the others: the bucket's name, or the container's
	Prefix string // what each name in the bucket begins with; "" or ends with a slash

	// Of "s3" only.
	Region    string // "": the environment says it
	Endpoint  string // the URL of a server that is not Amazon's; "": Amazon's
	PathStyle bool   // the bucket stands in the path of the URL, not in the host
	SSE       string // server-side encryption: AES256, aws:kms or aws:kms:dsse; "": the bucket's default
	KMSKey    string // the key of aws:kms; "": the account's own
}

// Local says whether documents are kept in a folder of this machine.
func (a Address) Local() bool { return a.Scheme == "file" }

// Schemes are the ones that this build knows.
func Schemes() []string { return append([]string{"file", "s3"}, moreSchemes...) }

// Encryptions are what may be asked of a bucket.
func Encryptions() []string { return []string{"AES256", "aws:kms", "aws:kms:dsse"} }

// ParseAddress reads file:FOLDER, file://FOLDER or s3://BUCKET/PREFIX?region=…. Its errors say what was expected and
// repeat nothing of what stands behind the scheme, which may be a secret.
func ParseAddress(text string) (a Address, err error) {
	scheme, rest, found := strings.Cut(text, ":")
	switch {
	case !found || !slices.Contains([]string{"file", "s3", "gs", "azblob"}, scheme):
		return a, errors.New("is neither file:FOLDER nor s3://BUCKET/PREFIX?region=REGION")
	case !slices.Contains(Schemes(), scheme):
		return a, fmt.Errorf("%s:// is not in this build, only in one with the tag blobs_more: use %s", scheme,
			strings.Join(Schemes(), ": or "))
	case scheme == "file":
		a.Scheme, a.Folder = scheme, strings.TrimPrefix(rest, "//")
		if a.Folder == "" {
			return a, errors.New("names no folder: file:FOLDER")
		}
		return a, nil
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return a, errors.New("is not a URL such as s3://BUCKET/PREFIX?region=REGION")
	case u.User != nil || u.Fragment != "":
		return a, errors.New("has credentials or a # in it: they come from the environment, " +
			"such as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, never from the config")
	case u.Host == "" || u.Port() != "":
		return a, fmt.Errorf("names no bucket: %s://BUCKET/PREFIX", scheme)
	}
	a.Scheme, a.Bucket = scheme, u.Host
	if p := strings.Trim(u.Path, "/"); p != "" {
		if p != path.Clean(p) || strings.HasPrefix(p, "..") {
			return a, errors.New("has a prefix with . or .. or // in it")
		}
		a.Prefix = p + "/"
	}
	q, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return a, errors.New("has parameters that cannot be read: ?region=REGION&endpoint=URL")
	}
	return a, a.parameters(q)
}

// parameters takes those of s3.
func (a *Address) parameters(q url.Values) error {
	known := []string{"endpoint", "kmskeyid", "region", "ssetype", "use_path_style"}
	if a.Scheme != "s3" {
		known = nil
	}
	for name, values := range q {
		if !slices.Contains(known, name) {
			return fmt.Errorf("has a parameter that is not known: %s:// takes %s; credentials come from the environment",
				a.Scheme, strings.Join(append(known, "no other"), ", "))
		}
		if len(values) != 1 || values[0] == "" {
			return fmt.Errorf("says %s not once", name)
		}
	}
	a.Region, a.Endpoint, a.SSE, a.KMSKey = q.Get("region"), q.Get("endpoint"), q.Get("ssetype"), q.Get("kmskeyid")
	if a.Endpoint != "" {
		u, err := url.Parse(a.Endpoint)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" {
			return errors.New("has an endpoint that is not a URL such as https://HOST:PORT")
		}
		a.PathStyle = true // other servers seldom have a name for each bucket
	}
	if style := q.Get("use_path_style"); style != "" {
		is, err := strconv.ParseBool(style)
		if err != nil {
			return errors.New("says use_path_style neither true nor false")
		}
		a.PathStyle = is
	}
	switch {
	case a.SSE != "" && !slices.Contains(Encryptions(), a.SSE):
		return fmt.Errorf("has an ssetype that is none of %s", strings.Join(Encryptions(), ", "))
	case a.KMSKey != "" && !strings.HasPrefix(a.SSE, "aws:kms"):
		return errors.New("has kmskeyid, which goes with ssetype=aws:kms or aws:kms:dsse")
	}
	return nil
}

// Shown is the address for people: nothing in it is secret.
func (a Address) Shown() string {
	if a.Local() {
		return a.Folder
	}
	return a.Scheme + "://" + a.Bucket + "/" + a.Prefix
}
