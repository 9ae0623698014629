package objects

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/model"
)

func TestBodiesAreShownWithoutLinksAndTokens(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"token":"abc","name":"Ana"}`:                            `{"token":"<cut>","name":"Ana"}`,
		`{"Signing_Token" : "a\"bc", "n":1}`:                      `{"Signing_Token" : "<cut>", "n":1}`,
		`{"webhookSecret":"abc`:                                   `{"webhookSecret":"<cut>`,
		`{"token":null,"tokens":3,"x":"token"}`:                   `{"token":null,"tokens":3,"x":"token"}`,
		`{"u":"https://files.example.org/a?sig=1","v":"w"}`:       `{"u":"<cut>","v":"w"}`,
		`{"u":"https:\/\/files.example.org\/a?sig=1\u0026b=2"}`:   `{"u":"<cut>"}`,
		`{"u":"see HTTP://files.example.org/a?sig=1 there"}`:      `{"u":"see <cut> there"}`,
		`json=%7B%22u%22%3A%22https%3A%2F%2Fa.example.org%2Fs%22`: `json=%7B%22u%22%3A%22<cut>`,
		`{"u":"https://files.example.org/a?si`:                    `{"u":"<cut>`,
	} {
		for _, v := range []model.Verdict{model.Refused, model.NotUnderstood} {
			require.Equal(t, want, string(ShownBody(model.Callback{Verdict: v, Body: []byte(body)})))
		}
		require.Equal(t, body, string(ShownBody(model.Callback{Verdict: model.Accepted, Body: []byte(body)})),
			"the provider has cut it")
	}
	long := ShownBody(model.Callback{Verdict: model.Refused, Body: []byte(strings.Repeat("a", 3000))})
	require.Equal(t, strings.Repeat("a", 2048)+"… (3000 bytes)", string(long))
}
