package api

import (
	"context"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"countersign/model"
	"countersign/worker/console/access"
	"countersign/worker/console/acts"
	"countersign/worker/console/filter"
	"countersign/worker/console/objects"
	"countersign/worker/console/problem"
)

// post registers a POST for those who may operate. Everything is safe to repeat: asked twice is asked once.
func post[I, O any](a *API, id, path, tag, summary string, status int, do func(context.Context, string, *I) (O, error)) {
	o := op(id, path, tag, summary)
	o.Method, o.DefaultStatus = http.MethodPost, status
	o.Errors = append(o.Errors, http.StatusForbidden, http.StatusNotFound, http.StatusRequestEntityTooLarge)
	huma.Register(a.huma, o, func(ctx context.Context, in *I) (*body[O], error) {
		err := access.MayOperate(ctx, "This token may only read.")
		if err == nil {
			var out O
			if out, err = do(ctx, access.WhoOf(ctx).Source(), in); err == nil {
				return &body[O]{out}, nil
			}
		}
		return nil, a.fail(ctx, err)
	})
}

type trackInput struct {
	Account string `path:"account" maxLength:"63"`
	Body    struct {
		Ref  string   `json:"ref,omitempty" maxLength:"1024"`
		Refs []string `json:"refs,omitempty" maxItems:"10000"`
	}
}

// tracked is what a track has done.
type tracked struct {
	Account string `json:"account"`
	Asked   int    `json:"asked" doc:"how many refs were named"`
	New     int    `json:"new" doc:"how many of them had no row"`
}

type tiersInput struct {
	Account string `path:"account" maxLength:"63"`
	Body    *struct {
		Tiers []string `json:"tiers,omitempty" doc:"active, idle and audit; without any: all of them"`
	}
}

type resolveInput struct {
	RowInput
	Body struct {
		As string `json:"as" enum:"deleted" doc:"what no provider says"`
	}
}

type releaseInput struct {
	DocumentInput
	Body struct {
		Reason string `json:"reason" minLength:"3" maxLength:"500" doc:"why it is whole nevertheless; it is kept"`
	}
}

func (a *API) writes() {
	post(a, "track", "/accounts/{account}/transactions", "transactions", "Follow refs that no list shows",
		http.StatusAccepted, a.track)
	post(a, "poll-transaction", rowPath+"/poll", "transactions", "Ask the provider about one now", http.StatusAccepted,
		func(ctx context.Context, by string, in *RowInput) (objects.Run, error) {
			if _, err := a.Reads.Transaction(ctx, in.key()); err != nil {
				return objects.Run{}, err
			}
			r, err := a.Acts.PollRows(ctx, by, in.Account, []string{in.Ref})
			return objects.OfRun(r), err
		})
	post(a, "resolve", rowPath+"/resolve", "transactions", "Say that one is deleted, where no provider will",
		http.StatusOK, func(ctx context.Context, by string, in *resolveInput) (objects.Transaction, error) {
			if _, err := a.Reads.Transaction(ctx, in.key()); err != nil {
				return objects.Transaction{}, err
			}
			if err := a.Acts.Resolve(ctx, by, in.key()); err != nil {
				return objects.Transaction{}, err
			}
			t, err := a.Reads.Transaction(ctx, in.key())
			return objects.OfTransaction(t), err
		})
	post(a, "poll-account", "/accounts/{account}/poll", "accounts", "Do the passes of the slots now", http.StatusAccepted,
		a.pollTiers)
	post(a, "retry-document", rowPath+"/documents/{id}/retry", "documents", "Fetch a document again", http.StatusAccepted,
		func(ctx context.Context, by string, in *DocumentInput) (objects.Run, error) {
			d, err := a.document(ctx, in)
			if err == nil && d.State == model.DocumentStored {
				err = acts.Refusal{Why: "The document is stored: there is nothing to fetch again."}
			}
			if err != nil {
				return objects.Run{}, err
			}
			r, err := a.Acts.Retry(ctx, by, in.Account, []string{d.ID})
			return objects.OfRun(r), err
		})
	post(a, "release-document", rowPath+"/documents/{id}/release", "documents",
		"Take a file out of quarantine and keep it as it is", http.StatusOK, a.release)
	post(a, "replay-callback", "/callbacks/{id}/replay", "callbacks", "Hand one in again", http.StatusOK, a.replayOne)
	post(a, "replay-callbacks", "/callbacks/replay", "callbacks", "Hand in again what a filter chooses", http.StatusOK,
		a.replayAll)
	post(a, "bulk", "/bulk", "bulk", "Poll, retry or replay what a filter chooses", http.StatusAccepted, a.bulk)
}

func (a *API) track(ctx context.Context, by string, in *trackInput) (tracked, error) {
	refs := in.Body.Refs
	if in.Body.Ref != "" {
		refs = append(refs, in.Body.Ref)
	}
	r := filter.Reader{In: "body"}
	if len(refs) == 0 {
		r.Fault("refs", "names nothing to track")
	}
	for i, ref := range refs {
		if !a.Acts.IsRef(ref) {
			r.Fault(fmt.Sprintf("refs[%d]", i), "is not a ref: it is empty, too long, or no text")
		}
	}
	if err := r.Err(); err != nil {
		return tracked{}, err
	}
	n, err := a.Acts.Track(ctx, by, in.Account, refs)
	return tracked{in.Account, len(refs), n}, err
}

func (a *API) pollTiers(ctx context.Context, by string, in *tiersInput) (out Page[objects.Run], err error) {
	tiers := []string{"active", "idle", "audit"}
	if in.Body != nil && len(in.Body.Tiers) > 0 {
		r := filter.Reader{In: "body"}
		r.Words("tiers", in.Body.Tiers, tiers)
		if err := r.Err(); err != nil {
			return out, err
		}
		tiers = in.Body.Tiers
	}
	queued, err := a.Acts.PollTiers(ctx, by, in.Account, tiers)
	out.Items = []objects.Run{}
	for _, r := range queued {
		out.Items = append(out.Items, objects.OfRun(r))
	}
	return out, err
}

// release is done once: whoever asks again gets the document as it was released.
func (a *API) release(ctx context.Context, by string, in *releaseInput) (objects.ListedDocument, error) {
	d, err := a.document(ctx, &in.DocumentInput)
	if err == nil && !filter.IsText(in.Body.Reason) {
		err = problem.New(problem.Invalid, "", problem.Fault{Location: "body.reason", Message: "is not text"})
	}
	if err == nil && d.State != model.DocumentStored {
		d, err = a.Acts.Release(ctx, by, d, objects.Plain(in.Body.Reason))
	}
	return objects.OfListedDocument(d), err
}
