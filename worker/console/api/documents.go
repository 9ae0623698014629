package api

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"countersign/model"
	"countersign/model/store"
	"countersign/worker/console/access"
	"countersign/worker/console/acts"
	"countersign/worker/console/filter"
	"countersign/worker/console/objects"
)

type documentsInput struct {
	filter.Documents
	Paging
}

// DocumentInput names a document of a row.
type DocumentInput struct {
	RowInput
	ID string `path:"id" maxLength:"64" doc:"our id of the document"`
}

func (a *API) readDocuments() {
	list(a, op("list-documents", "/documents", "documents", "Documents, the newest first"),
		func(in *documentsInput) (*filter.Documents, Paging) { return &in.Documents, in.Paging },
		a.Reads.Documents(), objects.OfListedDocument)
	get(a, op("get-document", rowPath+"/documents/{id}", "documents", "One document with what is known of it"),
		func(ctx context.Context, in *DocumentInput) (objects.ListedDocument, error) {
			d, err := a.document(ctx, in)
			return objects.OfListedDocument(d), err
		})
	o := op("get-content", rowPath+"/documents/{id}/content", "documents", "The file itself; ranges are answered")
	o.Errors = append(o.Errors, http.StatusForbidden, http.StatusNotFound, http.StatusGone)
	o.Responses = map[string]*huma.Response{"200": {
		Description: "The file. Repr-Digest is its SHA-256.",
		Content: map[string]*huma.MediaType{"application/pdf": {Schema: &huma.Schema{Type: "string"}},
			"application/octet-stream": {Schema: &huma.Schema{Type: "string"}}},
	}, "303": {
		Description: "Where the file can be had for a short while: documents are in a bucket, and `documents_links` is set.",
	}}
	huma.Register(a.huma, o, func(ctx context.Context, in *DocumentInput) (*huma.StreamResponse, error) {
		d, err := a.document(ctx, in)
		if err == nil {
			err = mayHave(ctx, d)
		}
		if err != nil {
			return nil, a.fail(ctx, err)
		}
		return &huma.StreamResponse{Body: func(c huma.Context) {
			r, w := humachi.Unwrap(c)
			a.content(w, r, d)
		}}, nil
	})
}

// document reads a document of a row.
func (a *API) document(ctx context.Context, in *DocumentInput) (model.Document, error) {
	if _, err := a.Reads.Transaction(ctx, in.key()); err != nil {
		return model.Document{}, err
	}
	if !filter.IsText(in.ID) {
		return model.Document{}, store.ErrNoRow
	}
	d, err := a.Store.Document(ctx, in.ID)
	if err == nil && d.Key() != in.key() {
		err = store.ErrNoRow
	}
	return d, err
}

// mayHave says whether there is a file, and whether it is for whoever asks.
func mayHave(ctx context.Context, d model.Document) error {
	switch {
	case d.State == model.DocumentQuarantined && d.Path != "":
		return access.MayOperate(ctx, "The file is in quarantine: only those who may operate get it.")
	case d.State != model.DocumentStored:
		return store.ErrNoRow
	}
	return nil
}

// byLink sends whoever asks for a stored file to the bucket, where links are handed out.
func (a *API) byLink(w http.ResponseWriter, r *http.Request, d model.Document, kind string) bool {
	if a.Acts.Link == nil || d.State != model.DocumentStored || r.Method != http.MethodGet {
		return false
	}
	to, err := a.Acts.Link(r.Context(), d.Path, objects.FileName(d), kind)
	if err != nil {
		acts.Problem(r.Context(), a.Log, err).Write(w, r)
		return true
	}
	if to == "" {
		return false
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Location", to) // http.Redirect would write the link into a page as well
	w.WriteHeader(http.StatusSeeOther)
	return true
}

// kindOf is what a document is to be taken for.
func kindOf(d model.Document) string {
	if kind := mime.TypeByExtension(path.Ext(d.Path)); kind != "" && d.State != model.DocumentQuarantined {
		return kind
	}
	return "application/octet-stream"
}

// content sends the file. It is offered for saving, never shown: what is in it was written by strangers.
func (a *API) content(w http.ResponseWriter, r *http.Request, d model.Document) {
	kind := kindOf(d)
	if a.byLink(w, r, d, kind) {
		return
	}
	f, err := a.Acts.Open(r.Context(), d.Path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			a.Log.WithField("document", d.ID).Error("a document is not in the document store")
			err = store.ErrNoRow
		}
		acts.Problem(r.Context(), a.Log, err).Write(w, r)
		return
	}
	defer f.Close() //nolint:errcheck // only read
	h := w.Header()
	name := objects.FileName(d)
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	h.Set("ETag", `"`+d.SHA256+`"`)
	h.Set("Cache-Control", "private, no-cache")
	if sum, err := hex.DecodeString(d.SHA256); err == nil {
		h.Set("Repr-Digest", "sha-256=:"+base64.StdEncoding.EncodeToString(sum)+":")
	}
	var at time.Time
	if d.StoredAt != nil {
		at = *d.StoredAt
	}
	out := patient(w, a.Now)
	defer out.done()
	http.ServeContent(out, r, "", at, f)
}
