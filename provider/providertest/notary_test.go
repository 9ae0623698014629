package providertest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"countersign/model"
	"countersign/provider"
	"countersign/provider/lenient"
	"countersign/provider/transport"
)

// notary is a made-up service. Its fault is what a careless provider would do.
type notary struct {
	base  string
	c     *http.Client
	key   string
	fault string
}

const (
	apiKey       = "api-key-hush"
	signingToken = "token-of-ada"
)

func (n *notary) is(fault string) bool { return n.fault == fault }

func (n *notary) Rules() model.Rules {
	r := model.Rules{
		Provider: "notary",
		Forward: map[model.Status][]model.Status{
			model.Unknown: {model.InProgress,
				model.Completed}, model.Draft: {model.InProgress}, model.InProgress: {model.Completed},
		},
		Tells: map[model.GapChange]map[model.Status][]string{
			model.ChangeStatus: {model.Completed: {"doc_completed"}},
			model.ChangeSigner: {model.Status(model.SignerSigned): {"doc_signed"}},
		},
	}
	switch n.fault {
	case "moves to nowhere":
		r.Forward[model.InProgress] = []model.Status{"signed"}
	case "moves out of the end":
		r.Forward[model.Completed] = []model.Status{model.InProgress}
	case "tells nothing":
		r.Tells = nil
	case "tells no type":
		r.Tells[model.ChangeStatus][model.Declined] = []string{}
	case "tells another type":
		r.Tells[model.ChangeStatus][model.Declined] = []string{"doc.refused"}
	}
	return r
}

func (n *notary) Receive(c provider.Callback) (provider.Received, error) {
	given := c.Header.Get("X-Key")
	switch {
	case n.is("takes every callback"):
	case n.is("compares to nothing") && given == "":
	case n.is("tells the secret") && given != n.key:
		return provider.Received{}, fmt.Errorf("%w: want %s", provider.ErrUnverified, n.key)
	case !provider.SameSecret(given, n.key):
		return provider.Received{}, provider.ErrUnverified
	}
	var e struct{ ID, Type, Status string }
	read := lenient.Unmarshal
	if n.is("stumbles over marks") {
		read = json.Unmarshal
	}
	if err := read(c.Body, &e); err != nil {
		if n.is("other errors") {
			return provider.Received{}, err
		}
		if n.is("says nothing of UTF-16") {
			err = errors.New("no JSON")
		}
		return provider.Received{}, fmt.Errorf("%w: %w", provider.ErrNotUnderstood, err)
	}
	if n.is("panics") && e.Type == "" {
		panic("no type")
	}
	if n.is("asks when called") {
		n.c.Get(n.base) //nolint:errcheck,bodyclose // a fault
	}
	if n.is("changes the body") && len(c.Body) > 0 {
		c.Body[0] = ' '
	}
	if e.Type == "ping" {
		r := provider.Received{Type: e.Type, Test: !n.is("gives no reason")}
		if e.ID != "" { // a canary
			r.Test = !n.is("takes its canary for a document")
			if !r.Test {
				r.Observations = []model.Observation{{Ref: e.ID, Evidence: model.Claim, Type: e.Type}}
			}
		}
		return r, nil
	}
	if e.ID == "" || e.Type == "" {
		return provider.Received{}, provider.ErrNotUnderstood
	}
	o := model.Observation{Ref: e.ID, Evidence: model.Claim, Type: e.Type, Status: words(e.Status)}
	o.Acted = e.Type == "doc_signed" && !n.is("forgets that a signer acted")
	if n.is("is too sure") {
		o.Evidence = model.Verified
	}
	r := provider.Received{Ref: e.ID, Type: e.Type, Observations: []model.Observation{o}}
	if bytes.Contains(c.Body, []byte(signingToken)) && !n.is("keeps tokens") {
		r.Clean = bytes.ReplaceAll(c.Body, []byte(signingToken), []byte("<cut>"))
	}
	if n.is("keeps nothing") {
		r.Clean = []byte{}
	}
	if n.is("is never the same") {
		r.DedupeKey = fmt.Sprintf("%p", &e)
	}
	return r, nil
}

func words(w string) model.Status {
	return map[string]model.Status{"OPEN": model.InProgress, "SIGNED": model.Completed}[w]
}

func (n *notary) ask(ctx context.Context, class provider.Class, parts ...string) (*http.Response, error) {
	address := provider.JoinPath(n.base+"/v1", parts...)
	if n.is("joins paths") {
		address = n.base + "/v1/" + strings.Join(parts, "/")
	}
	if n.is("forgets its context") {
		ctx = context.WithoutCancel(ctx)
	}
	req, err := http.NewRequestWithContext(provider.WithClass(ctx, class), http.MethodGet, address, nil)
	if err != nil {
		return nil, errors.New("no address")
	}
	req.Header.Set("X-Api-Key", apiKey)
	c := n.c
	if n.is("follows redirects") {
		c = &http.Client{Transport: n.c.Transport}
	}
	if n.is("tells the address") {
		return c.Do(req)
	}
	return transport.Do(c, req)
}

func (n *notary) get(ctx context.Context, v any, parts ...string) error {
	resp, err := n.ask(ctx, provider.ClassRead, parts...)
	if err != nil {
		return err
	}
	if n.is("quotes the service") && resp.StatusCode != http.StatusOK {
		raw, _ := io.ReadAll(resp.Body)
		return fmt.Errorf("%w: %s", transport.StatusError(resp), raw)
	}
	if n.is("ignores the status") {
		resp.StatusCode = http.StatusOK
	}
	if err := transport.ReadJSON(resp, v); err != nil && n.is("takes a page for broken JSON") {
		return errors.New("broken JSON")
	} else if err != nil {
		return err
	}
	return nil
}

func (n *notary) Fetch(ctx context.Context, ref string) (model.Observation, error) {
	var got struct{ ID, Status string }
	err := n.get(ctx, &got, "docs", ref)
	if errors.Is(err, provider.ErrNotFound) && !n.is("fails on 404") {
		return model.Observation{Ref: ref, Evidence: model.Verified, Absence: model.NotFound}, nil
	}
	if err != nil {
		if n.is("hides refusals") {
			return model.Observation{}, errors.New("it did not work")
		}
		return model.Observation{}, err
	}
	if got.ID != ref && !n.is("takes any answer") {
		return model.Observation{}, errors.New("another document")
	}
	o := model.Observation{Ref: ref, Evidence: model.Verified, Status: words(got.Status), ProviderStatus: got.Status}
	switch {
	case n.is("guesses") && o.Status == "":
		o.Status = model.InProgress
	case n.is("forgets the word"):
		o.ProviderStatus = ""
	case n.is("maps wrongly") && got.Status == "SIGNED":
		o.Status = model.Declined
	}
	return o, nil
}

func (n *notary) Download(ctx context.Context, ref string, d model.DocumentRef, w io.Writer) (
	provider.Declared, error,
) {
	resp, err := n.ask(ctx, provider.ClassFiles, "docs", ref, "files", d.ID)
	if err != nil {
		return provider.Declared{}, err
	}
	if n.is("saves anything") {
		_, err := io.Copy(w, resp.Body)
		return provider.Declared{Length: -1}, err
	}
	if n.is("stops early") {
		_, err := io.CopyN(w, resp.Body, 100)
		return provider.Declared{Length: -1}, err
	}
	return transport.Save(w, resp)
}

func (n *notary) Lists() provider.Listing { return provider.ListsChanged }
func (n *notary) Reach() string           { return "all" }
func (n *notary) List(ctx context.Context, _ provider.ListQuery) (provider.Page, error) {
	var got struct {
		Docs lenient.List[struct{ ID lenient.Text }]
	}
	if err := n.get(ctx, &got, "docs"); err != nil {
		return provider.Page{}, err
	}
	if n.is("gives up at an odd record") && len(got.Docs.Skipped) > 0 {
		return provider.Page{}, errors.New("the answer is no list")
	}
	got.Docs.Only(func(d struct{ ID lenient.Text }) bool { return d.ID != "" })
	page := provider.Page{Skipped: provider.Skip(nil, model.SkippedTransaction, got.Docs.Skipped...)}
	if len(page.Skipped) > 0 && n.is("quotes an odd record") {
		page.Skipped[0].Sample = string(got.Docs.Skipped[0])
	}
	if n.is("counts no odd record") {
		page.Skipped = nil
	}
	for _, d := range got.Docs.Items {
		page.Items = append(page.Items,
			provider.Listed{Observation: model.Observation{Ref: string(d.ID), Evidence: model.Verified}})
	}
	return page, nil
}

func (n *notary) Check(ctx context.Context) (provider.Identity, error) {
	if n.is("checks nothing") {
		return provider.Identity{}, nil
	}
	return provider.Identity{}, n.get(ctx, new(any), "me")
}

func (n *notary) Canary(id string, _ time.Time) (http.Header, []byte, error) {
	key := n.key
	if n.is("signs its canary wrongly") {
		key = "none"
	}
	if n.is("has no canary") {
		return nil, nil, errors.New("no secret")
	}
	if n.is("forgets the canary's id") {
		id = "x"
	}
	return http.Header{"X-Key": {key}}, fmt.Appendf(nil, `{"id":%q,"type":"ping"}`, id), nil
}

func (n *notary) Peek(provider.Callback) (ref, typ string) { return "", "" }

func (n *notary) Explain(provider.Callback) []provider.Trial { return nil }

func (n *notary) traits() provider.Traits {
	if n.is("says nothing") {
		return provider.Traits{Reply: provider.Reply{ContentType: "text/plain"}}
	}
	return provider.Traits{Reply: provider.Reply{ContentType: "text/plain", Body: "thanks"}}
}
