//go:build !blobs_more

package bucket

// openers are the kinds of store that every build knows.
func openers() map[string]opener { return map[string]opener{"s3": openS3} }
