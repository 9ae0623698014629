package files

import (
	"strings"
	"testing"
)

func TestAddresses(t *testing.T) {
	for text, want := range map[string]Address{
		"file:./documents":     {Scheme: "file", Folder: "./documents"},
		"file:///var/lib/docs": {Scheme: "file", Folder: "/var/lib/docs"},
		"s3://b":               {Scheme: "s3", Bucket: "b"},
		"s3://b/a/c/?region=eu-west-1&ssetype=aws:kms&kmskeyid=alias/k": {Scheme: "s3", Bucket: "b", Prefix: "a/c/",
			Region: "eu-west-1", SSE: "aws:kms", KMSKey: "alias/k"},
		"s3://b?endpoint=https://s3.example:9000":                 {Scheme: "s3", Bucket: "b", Endpoint: "https://s3.example:9000", PathStyle: true},
		"s3://b?endpoint=https://s3.example&use_path_style=false": {Scheme: "s3", Bucket: "b", Endpoint: "https://s3.example"},
	} {
		got, err := ParseAddress(text)
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{
		"documents": "file:FOLDER", "ftp://x": "file:FOLDER", "file:": "no folder", "s3://": "no bucket",
		"s3://AKIA:hidden@b":                 "from the environment",
		"s3://b?secret_access_key=hidden":    "from the environment",
		"s3://b?region=":                     "region not once",
		"s3://b?region=a&region=b":           "region not once",
		"s3://b/../c":                        "prefix",
		"s3://b?endpoint=hidden":             "endpoint",
		"s3://b?endpoint=https://u:hidden@h": "endpoint",
		"s3://b?use_path_style=hidden":       "neither true nor false",
		"s3://b?ssetype=hidden":              "AES256",
		"s3://b?kmskeyid=hidden":             "ssetype",
		"gs://b":                             "blobs_more",
	} {
		if strings.HasPrefix(text, "gs:") && len(moreSchemes) > 0 {
			continue
		}
		_, err := ParseAddress(text)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
