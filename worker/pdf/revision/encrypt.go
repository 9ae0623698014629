package revision

import (
	"countersign/worker/pdf/object"
	"countersign/worker/pdf/revision/cipher"
)

// unlock makes the key of an encrypted file, once.
func (r *Revision) unlock() error {
	if r.Trailer.Get("Encrypt") == nil || r.file.key != nil {
		return nil
	}
	d := r.Dict(r.Trailer.Get("Encrypt"))
	number := func(key object.Name) int {
		n, _ := r.Number(d.Get(key))
		return int(n)
	}
	text := func(key object.Name) []byte {
		s, _ := r.Resolve(d.Get(key)).(object.String)
		return []byte(s)
	}
	p, _ := r.Number(d.Get("P"))
	s := cipher.Settings{
		Handler: string(r.Name(d.Get("Filter"))), V: number("V"), R: number("R"), Bits: number("Length"), P: int64(p),
		O: text("O"), U: text("U"), UE: text("UE"), PlainMetadata: r.Resolve(d.Get("EncryptMetadata")) == false,
		Streams: r.method(d, "StmF"), Strings: r.method(d, "StrF"),
	}
	if id := r.Array(r.Trailer.Get("ID")); len(id) > 0 {
		first, _ := r.Resolve(id[0]).(object.String)
		s.ID = []byte(first)
	}
	key, err := cipher.Open(s)
	if err != nil {
		return err
	}
	r.file.key = key
	// what was read before was not decrypted
	clear(r.file.parsed)
	clear(r.file.packs)
	clear(r.lengths)
	return nil
}

func (r *Revision) method(d object.Dict, of object.Name) cipher.Method {
	f := r.Dict(r.Dict(d.Get("CF")).Get(r.Name(d.Get(of))))
	switch r.Name(f.Get("CFM")) {
	case "V2":
		return cipher.RC4
	case "AESV2":
		return cipher.AES128
	case "AESV3":
		return cipher.AES256
	}
	return cipher.Identity
}
