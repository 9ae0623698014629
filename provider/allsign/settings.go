package allsign

import (
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"countersign/model"
	"countersign/provider"
)

const (
	defaultReplayWindow = 300 * time.Second
	defaultDownloadPath = "/v2/documents/{id}/download"
	defaultStreams      = 5
	defaultStreamIdle   = 2 * time.Minute
	secretPrefix        = "whsec_"
	leastSecret         = 24 // bytes: what the service's own client refuses to go below
)

// settings is the account's `settings` block.
type settings struct {
	Profile        string                  `yaml:"profile"`
	APIKey         provider.Secret         `yaml:"api_key"`
	WebhookSecrets []provider.Secret       `yaml:"webhook_secrets"`
	Events         map[string]model.Status `yaml:"events"`
	States         map[string]model.Status `yaml:"states"`
	ListScope      string                  `yaml:"list_scope"`

	// v3
	ReplayWindow time.Duration `yaml:"replay_window"`

	// v2
	SignatureHeader   string        `yaml:"signature_header"`
	SignatureEncoding string        `yaml:"signature_encoding"`
	SignaturePrefix   string        `yaml:"signature_prefix" spaces:"meant"`
	AllowUnsigned     bool          `yaml:"allow_unsigned"`
	DocumentIDPaths   []string      `yaml:"document_id_paths"`
	PDFLinkPaths      []string      `yaml:"pdf_link_paths"`
	DownloadPath      string        `yaml:"download_path"`
	SSETokenURL       string        `yaml:"sse_token_url"`
	SSEStreams        *int          `yaml:"sse_streams"`
	SSEIdle           time.Duration `yaml:"sse_idle"`
}

type faultFunc func(path, format string, args ...any)

// check returns every fault of the settings, each with its path, and fills in the defaults.
func (set *settings) check() error {
	var faults []error
	fault := func(path, format string, args ...any) {
		faults = append(faults, fmt.Errorf("settings.%s: %s", path, fmt.Sprintf(format, args...)))
	}
	if set.APIKey == "" {
		fault("api_key", "must be set")
	}
	for i, s := range set.WebhookSecrets {
		if s == "" {
			fault(fmt.Sprintf("webhook_secrets[%d]", i), "empty")
		}
	}
	for _, m := range []struct {
		path string
		of   map[string]model.Status
	}{{"events", set.Events}, {"states", set.States}} {
		for _, k := range slices.Sorted(maps.Keys(m.of)) {
			if s := m.of[k]; s != "" && (!s.Known() || s == model.Unknown) {
				fault(m.path+"."+k, "%q is no status", s)
			}
		}
	}
	switch set.Profile {
	case "", profileV3:
		set.Profile = profileV3
		set.checkV3(fault)
	case profileV2:
		set.checkV2(fault)
	default:
		fault("profile", "%q is not v3 or v2", set.Profile)
	}
	return errors.Join(faults...)
}

func (set *settings) checkV3(fault faultFunc) {
	for i, s := range set.WebhookSecrets {
		if s != "" && secretKey(s) == nil {
			fault(fmt.Sprintf("webhook_secrets[%d]", i), "is no base64 of %d bytes or more, as the service shows it: whsec_...", leastSecret)
		}
	}
	if !slices.Contains([]string{"", "owner", "org", "tenant", "accessible"}, set.ListScope) {
		fault("list_scope", "%q is not owner, org, tenant or accessible", set.ListScope)
	}
	if set.ReplayWindow < 0 {
		fault("replay_window", "must not be negative")
	}
	if set.ReplayWindow == 0 {
		set.ReplayWindow = defaultReplayWindow
	}
	for path, given := range map[string]bool{
		"signature_header": set.SignatureHeader != "", "signature_encoding": set.SignatureEncoding != "", "signature_prefix": set.SignaturePrefix != "",
		"allow_unsigned": set.AllowUnsigned, "document_id_paths": set.DocumentIDPaths != nil, "pdf_link_paths": set.PDFLinkPaths != nil,
		"download_path": set.DownloadPath != "", "sse_token_url": set.SSETokenURL != "", "sse_streams": set.SSEStreams != nil, "sse_idle": set.SSEIdle != 0,
	} {
		if given {
			fault(path, "only with profile v2")
		}
	}
}

func (set *settings) checkV2(fault faultFunc) {
	if len(set.WebhookSecrets) == 0 && !set.AllowUnsigned {
		fault("webhook_secrets", "must be set, or allow_unsigned: true, which takes callbacks from anybody as mere hints")
	}
	if set.ReplayWindow != 0 {
		fault("replay_window", "only with profile v3: v2 callbacks carry no time")
	}
	if set.SignatureHeader == "" {
		set.SignatureHeader = "X-AllSign-Signature"
	}
	set.SignatureHeader = http.CanonicalHeaderKey(set.SignatureHeader)
	if set.SignatureEncoding == "" {
		set.SignatureEncoding = encodingHex
	}
	if set.SignatureEncoding != encodingHex && set.SignatureEncoding != encodingBase64 {
		fault("signature_encoding", "%q is not hex or base64", set.SignatureEncoding)
	}
	if set.DocumentIDPaths == nil {
		set.DocumentIDPaths = []string{"document.id", "data.documentId", "data.document_id", "data.document.id", "data.document", "data.id"}
	}
	if len(set.DocumentIDPaths) == 0 || slices.Contains(set.DocumentIDPaths, "") {
		fault("document_id_paths", "needs at least one path, and no empty one")
	}
	if set.PDFLinkPaths == nil {
		set.PDFLinkPaths = []string{"pdf.s3_presigned_url"}
	}
	if slices.Contains(set.PDFLinkPaths, "") {
		fault("pdf_link_paths", "holds an empty path")
	}
	if set.DownloadPath == "" {
		set.DownloadPath = defaultDownloadPath
	}
	if !strings.HasPrefix(set.DownloadPath, "/") || !strings.Contains(set.DownloadPath, "{id}") {
		fault("download_path", "must begin with / and hold {id}")
	}
	if u, err := url.Parse(set.SSETokenURL); set.SSETokenURL != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http") {
		fault("sse_token_url", "is not an http or https URL")
	}
	if set.SSEStreams == nil {
		n := defaultStreams
		set.SSEStreams = &n
	}
	if *set.SSEStreams < 0 {
		fault("sse_streams", "must not be negative")
	}
	if set.SSEIdle < 0 {
		fault("sse_idle", "must not be negative")
	}
	if set.SSEIdle == 0 {
		set.SSEIdle = defaultStreamIdle
	}
}

// secretKey is the key that a v3 secret stands for; nil where it is none.
func secretKey(s provider.Secret) []byte {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(s.Reveal(), secretPrefix))
	if err != nil || len(key) < leastSecret {
		return nil
	}
	return key
}
