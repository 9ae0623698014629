package access

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"regexp"
	"sync"
	"time"

	"countersign/model/store"
)

// Tokens of ours are `cs_`, 32 random bytes in 43 characters, and a check sum in 6, so that scanners of leaks know one
// when they see it, and a token that was cut or mistyped is told from one that was removed.
const (
	tokenPrefix = "cs_"
	tokenBytes  = 32
	bodyLength  = 43
	sumLength   = 6
)

// ErrToken is of a text that is no token of ours: it was cut or mistyped.
var ErrToken = errors.New("not a token of the console: it is cut or mistyped")

// NewToken makes a token. It is shown once; HashOf it is what is kept.
func NewToken() (string, error) {
	raw := make([]byte, tokenBytes)
	if _, err := rand.Read(raw); err != nil {
		return "", err
	}
	body := base64.RawURLEncoding.EncodeToString(raw)
	return tokenPrefix + body + checkSum(body), nil
}

// checkSum is CRC-32 in six characters of base64.
func checkSum(body string) string {
	sum := crc32.ChecksumIEEE([]byte(body))
	return base64.RawURLEncoding.EncodeToString([]byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)})
}

// CheckToken says whether a text can be a token of ours.
func CheckToken(token string) error {
	if len(token) != len(tokenPrefix)+bodyLength+sumLength || token[:len(tokenPrefix)] != tokenPrefix {
		return ErrToken
	}
	body, check := token[len(tokenPrefix):len(token)-sumLength], token[len(token)-sumLength:]
	if subtle.ConstantTimeCompare([]byte(checkSum(body)), []byte(check)) != 1 {
		return ErrToken
	}
	return nil
}

// HashOf is what is kept of a token. Its 256 random bits need no slow hash.
func HashOf(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// CheckName says whether a token may have this name, which stands in the history as `operator NAME`.
func CheckName(name string) error {
	if !regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9._@-]{0,62}$`).MatchString(name) {
		return fmt.Errorf("a token's name is letters, digits and . _ @ -, at most 63 of them")
	}
	if name == ConfigName || name == LocalName {
		return fmt.Errorf("%s names whoever comes without a token of the table: choose another name", name)
	}
	return nil
}

// Names of those who have no token in the table.
const (
	ConfigName = "config" // has console.token
	LocalName  = "local"  // is on this machine, where no token is needed
)

// tokensFor is how long the tokens are taken as they were read: so long may a removed one still be used.
const tokensFor = time.Second

// tokens are those of the table. It is safe for concurrent use.
type tokens struct {
	store *store.Store
	now   func() time.Time

	mu     sync.Mutex
	byHash map[string]store.ConsoleToken
	until  time.Time
	forced time.Time // when somebody's token was looked for anew
}

// forcedEach is how often tokens are looked for anew: strangers can make up as many as they like.
const forcedEach = 100 * time.Millisecond

// stale has the tokens read anew, if that was not done lately.
func (t *tokens) stale() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	if now.Sub(t.forced) < forcedEach {
		return false
	}
	t.forced, t.until = now, time.Time{}
	return true
}

// read returns the tokens by their hash. While the table cannot be read they are as they were read last: who asks why
// it cannot be read shall be told.
func (t *tokens) read(ctx context.Context) (map[string]store.ConsoleToken, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byHash != nil && t.now().Before(t.until) {
		return t.byHash, nil
	}
	if t.store == nil {
		return nil, nil
	}
	list, err := t.store.ConsoleTokens(context.WithoutCancel(ctx))
	if err != nil && t.byHash != nil {
		return t.byHash, nil
	}
	if err != nil {
		return nil, err
	}
	t.byHash, t.until = make(map[string]store.ConsoleToken, len(list)), t.now().Add(tokensFor)
	for _, one := range list {
		t.byHash[one.Hash] = one
	}
	return t.byHash, nil
}

// any says whether there is a token at all.
func (t *tokens) any(ctx context.Context) (bool, error) {
	all, err := t.read(ctx)
	return len(all) > 0, err
}

// find returns whose token it is; false where it is nobody's, or has expired.
func (t *tokens) find(ctx context.Context, token string) (Who, bool, error) {
	all, err := t.read(ctx)
	if err != nil {
		return Who{}, false, err
	}
	one, ok := all[HashOf(token)]
	if !ok && CheckToken(token) == nil && t.stale() { // it may be new
		if all, err = t.read(ctx); err != nil {
			return Who{}, false, err
		}
		one, ok = all[HashOf(token)]
	}
	if !ok || t.expired(one) {
		return Who{}, false, nil
	}
	t.used(ctx, one)
	return Who{Name: one.Name, Role: Role(one.Role), key: "token " + one.Name}, true, nil
}

func (t *tokens) expired(one store.ConsoleToken) bool {
	return one.ExpiresAt != nil && !one.ExpiresAt.After(t.now())
}

// used notes the day of a token's last use, once a day. It is no reason to refuse anybody if that cannot be written.
func (t *tokens) used(ctx context.Context, one store.ConsoleToken) {
	now := t.now()
	if one.UsedOn == now.UTC().Format(time.DateOnly) {
		return
	}
	if t.store.UseConsoleToken(context.WithoutCancel(ctx), one.Name, now) == nil {
		one.UsedOn = now.UTC().Format(time.DateOnly)
		t.mu.Lock()
		t.byHash = maps.Clone(t.byHash) // others read the one that is there
		t.byHash[one.Hash] = one
		t.mu.Unlock()
	}
}
