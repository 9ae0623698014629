//go:build blobs_more

package files

// moreSchemes are those beyond the two that every build knows.
var moreSchemes = []string{"gs", "azblob"}
