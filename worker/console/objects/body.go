package objects

import (
	"fmt"
	"regexp"

	"countersign/model"
)

// mostRefused is how much of a body is shown that nobody has proved.
const mostRefused = 2048

// ShownBody is a body as people may see it. One that was refused, or that its provider could not read, rests whole
// and encrypted, with links that give files away and tokens that sign: those are cut here, whatever the body's form.
func ShownBody(c model.Callback) []byte {
	if c.Verdict != model.Refused && c.Verdict != model.NotUnderstood {
		return c.Body
	}
	body := secretsIn().ReplaceAll(c.Body, []byte("$1<cut>"))
	body = linksIn().ReplaceAll(body, []byte("<cut>"))
	if c.Verdict == model.Refused && len(body) > mostRefused {
		return append(body[:mostRefused:mostRefused], fmt.Sprintf("… (%d bytes)", len(c.Body))...)
	}
	return body
}

// linksIn finds links, in JSON with its slashes escaped or not, in forms, and cut off at the body's end.
func linksIn() *regexp.Regexp {
	return regexp.MustCompile(`(?i)https?(?::|%3a)(?:\\?/|%2f){2}(?:[^\s"'<>\\&]|\\[^"])*`)
}

// secretsIn finds the values of members whose names speak of a secret: text in quotes, whole or cut off.
func secretsIn() *regexp.Regexp {
	return regexp.MustCompile(`(?i)("[^"\\]*(?:token|secret|password)[^"\\]*"\s*:\s*")(?:[^"\\]|\\.)*`)
}
