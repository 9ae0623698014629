package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"countersign/cmd/countersign/config/configtest"
	"countersign/cmd/countersign/config/tree"
)

func TestConfigFaults(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, config string
		want         []string // all of them, in order, without the file's name
	}{
		{"no YAML", "a: [", []string{`1: is not YAML: did not find expected node content`}},
		{"a tab", "public:\n\taddress: x", []string{`2: is not YAML: found character that cannot start any token`}},
		{"an unknown key", "databse: sqlite:x", []string{`1: databse: unknown key: did you mean database?`}},
		{"an unknown key below", "public:\n  adress: ':1'\n  nothing_like_it: 1", []string{
			`2: public.adress: unknown key: did you mean address?`,
			`3: public.nothing_like_it: unknown key`,
		}},
		{"a key twice", "log: {}\ndocuments: file:x\ndocuments: file:y", []string{
			`3: documents: stands here for the second time: the first is on line 2`,
		}},
		{"a second document", "log: {}\n---\nlog: {}", []string{`2: a second document begins here: a config is one`}},
		{"a list in place of a mapping", "public: []", []string{`1: public: is not a mapping (key: value)`}},
		{"a mapping in place of a list", "accounts: {id: a}", []string{`1: accounts: is not a list`}},
		{"a mapping in place of a word", "documents: {}", []string{`1: documents: is not a single value`}},
		{"aliases that unfold for ever", bomb(),
			[]string{`1: lol4[7][8][8][8][9]: unfolds to more than a config can hold: look at its aliases`}},
		{"databases", "database: mysql://x", []string{`1: database: is neither sqlite:FILE nor postgres://user@host/name`}},
		{"a database without a file", "database: 'sqlite:'",
			[]string{`1: database: does not name a file: sqlite:./countersign.db`}},
		{"a database URL without a host", "database: 'postgres:///x'",
			[]string{`1: database: is not a URL such as postgres://user@host/name`}},
		{"documents", "documents: /var/lib", []string{`1: documents: is neither file:FOLDER nor s3://BUCKET/PREFIX?region=REGION`}},
		{"documents on S3", "documents: s3://key:hidden@bucket", []string{"1: documents: has credentials or a # in it: " +
			"they come from the environment, such as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, never from the config"}},
		{"links without a bucket", "documents_links: 1m",
			[]string{"1: documents_links: is for documents in a bucket: a folder has no links"}},
		{"a mode for everybody", "database_mode: 0644",
			[]string{`1: database_mode: "0644" lets everybody in: signers' names are in there`}},
		{"a mode that is none", "database_mode: rw",
			[]string{`1: database_mode: "rw" is not a file mode such as 0600 or 0640`}},
		{"sizes", "documents_min_free: 1 elephant",
			[]string{`1: documents_min_free: "1 elephant" is not a size such as 512MiB or 1GiB`}},
		{"shares", "callback_objective: 120%", []string{`1: callback_objective: "120%" is not a share such as 99%`}},
		{"a share that may be two", "callback_objective: 0.99", []string{
			`1: callback_objective: "0.99" may be 0.99% or 99%: write the one that is meant, with its %`,
		}},
		{"slots that run into each other", "slot_jitter: 6h", []string{
			`1: slot_jitter: 6h0m0s is as long as the slots of polling.active are apart, 6h0m0s: polls would run into the next ones`,
		}},
		{"a jitter that is none, beside short slots", "slot_jitter: soon\npolling: { active: '* * * * *' }", []string{
			`1: slot_jitter: "soon" is not a duration such as 30d, 2w, 12h, 5m or 10s`,
		}},
		{"slots of an account that do", "slot_jitter: 5m\n" + account("id: a", "polling: { idle: '*/5 * * * *' }"), []string{
			`1: slot_jitter: 5m0s is as long as the slots of accounts[0].polling.idle are apart, 5m0s: polls would run into the next ones`,
		}},
		{"a base URL with what is ours", account("id: a", "base_url: https://apps.esignlive.com/api/"), []string{
			`3: accounts[0].base_url: ends in /api, which is ours to add: leave it out`,
		}},
		{"a variable as shells write it", "accounts:\n  - id: a\n    provider: onespan\n    settings:\n      api_key: $KEY",
			[]string{
				`5: accounts[0].settings.api_key: begins with a $ and would be taken as written: a variable of the environment is ${NAME}, a dollar sign itself $$`,
			}},
		{"retention", "retention: { bodies: 90, history: never, outbox: 0s }", []string{
			`1: retention.bodies: "90" is not a duration such as 90d or 12h, nor forever`,
			`1: retention.history: "never" is not a duration such as 90d or 12h, nor forever`,
			`1: retention.outbox: "0s" keeps nothing: say how long, or forever`,
		}},
		{"log", "log: { level: loud, format: xml }", []string{
			`1: log.level: "loud" is not trace, debug, info, warning or error`,
			`1: log.format: "xml" is not auto, text or json`,
		}},
		{"a URL without scheme", "public: { url: sign.example.com }", []string{
			`1: public.url: "sign.example.com" is not a URL that begins with https:// or http://`,
		}},
		{"a URL with more", "public: { url: 'https://x/?a=1' }", []string{
			`1: public.url: has a ? or # part, which is cut off: leave scheme, host and path`,
		}},
		{"half of TLS", "public:\n  tls: { cert_file: x }",
			[]string{`2: public.tls: needs both cert_file and key_file, or neither`}},
		{"TLS files that are not there", "public:\n  tls:\n    cert_file: gone.pem\n    key_file: /gone.key", []string{
			`3: public.tls.cert_file: open DIR/gone.pem: no such file or directory`,
			`4: public.tls.key_file: open /gone.key: no such file or directory`,
		}},
		{"no certificate", "public:\n  tls:\n    cert_file: full\n    key_file: full", []string{
			`3: public.tls.cert_file: DIR/full: tls: failed to find any PEM data in certificate input`,
		}},
		{"no key", "public:\n  tls:\n    cert_file: cert.pem\n    key_file: cert.pem", []string{
			`4: public.tls.key_file: DIR/cert.pem: tls: found a certificate rather than a key in the PEM for the private key`,
		}},
		{"the key of another certificate", "public:\n  tls:\n    cert_file: cert.pem\n    key_file: other.pem", []string{
			`4: public.tls.key_file: DIR/other.pem: tls: private key does not match public key`,
		}},
		{"paces", "retry:\n  first: 2m\n  most: 1m\nslot_jitter: 2d\nlist_overlap: 0s\npublic:\n  max_body: 1KB\n", []string{
			`2: retry.first: 2m0s is longer than retry.most, 1m0s`,
			`4: slot_jitter: 48h0m0s is not a wait of at most a day`,
			`5: list_overlap: 0s is not a wait of at most a day`,
			`7: public.max_body: "1KB" is not a size such as 512MiB or 1GiB`,
		}},
		{"paces that are none", "retry: { first: soon, most: 0s }\nslot_jitter: -1s\npublic:\n  max_body: 2GiB\n", []string{
			`1: retry.first: "soon" is not a duration such as 30d, 2w, 12h, 5m or 10s`,
			`1: retry.most: 0s is not a wait of at most a day`,
			`2: slot_jitter: "-1s" is not a duration such as 30d, 2w, 12h, 5m or 10s`,
			`4: public.max_body: 2GiB is not between 1KiB and 1GiB`,
		}},
		{"strangers", "public: { allow: [everybody], max_connections: 0, max_connections_per_address: -1, refused_per_minute: 0 }", []string{
			`1: public.allow[0]: "everybody" is neither an address nor a network such as 10.0.0.0/8`,
			`1: public.max_connections: 0 is not between 1 and 1048576`,
			`1: public.max_connections_per_address: -1 is not between 1 and 1048576`,
			`1: public.refused_per_minute: 0 is not between 1 and 1048576`,
		}},
		{"an authority", "database: postgres://x/y\npublic: { tls: { cert_file: a, key_file: b, acme: { hosts: ['https://x', ''], directory: nowhere } } }", []string{
			`2: public.tls.cert_file: open DIR/a: no such file or directory`,
			`2: public.tls.key_file: open DIR/b: no such file or directory`,
			`2: public.tls.acme: gets a certificate, and cert_file names one: keep one of them`,
			`2: public.tls.acme.hosts[0]: "https://x" is not a host name such as sign.example.com`,
			`2: public.tls.acme.hosts[1]: "" is not a host name such as sign.example.com`,
			`2: public.tls.acme.directory: "nowhere" is not a URL that begins with https:// or http://`,
			`2: public.tls.acme.cache: is needed: PostgreSQL has no folder to keep account key and certificates in`,
		}},
		{"bounds on what is kept", "documents_max_size: 1KiB\nretention: { refused_size: 5 }", []string{
			`1: documents_max_size: 1KiB is below 1MiB`, `2: retention.refused_size: 5 is below 1MiB`,
		}},
		{"proxies", "public: { trusted_proxies: [10.0.0.0/8, '::1', proxy] }", []string{
			`1: public.trusted_proxies[2]: "proxy" is neither an address nor a network such as 10.0.0.0/8`,
		}},
		{"addresses", "public: { address: 8081 }\nconsole: { address: 'localhost:http' }", []string{
			`1: public.address: "8081" is not an address such as 127.0.0.1:8080 or :8081`,
			`2: console.address: "localhost:http" is not an address such as 127.0.0.1:8080 or :8081`,
		}},
		{"a console for all without a token", "console: { address: ':8080' }", []string{
			`1: console.address: ":8080" can be reached from other machines: set console.token or token_file, or console.oidc, or listen on 127.0.0.1`,
		}},
		{"a console whose token is not there", "console:\n  address: ':8080'\n  token: '${GONE}'", []string{
			`3: console.token: the environment has no GONE`,
		}},
		{"half of a login", "console:\n  address: ':8080'\n  oidc:\n    client_id: x\n    claim: ''\n", []string{
			`2: console.url: is missing: the issuer sends people back to it, such as https://countersign.example.com`,
			`4: console.oidc.issuer: is missing: who vouches for those who log in, such as https://id.example.com`,
			`4: console.oidc.operators: is empty as readers is: nobody could log in`,
			`5: console.oidc.claim: is empty: it names the claim that lists somebody's groups, such as groups`,
		}},
		{"a login that others can overhear", "console:\n  url: 'ftp://x'\n  oidc:\n    issuer: http://id.example.com\n    readers: ['', a]\n", []string{
			`2: console.url: "ftp://x" is not a URL that begins with https:// or http://`,
			`4: console.oidc.issuer: begins with http://: whoever is on the way could log in as anybody`,
			`4: console.oidc.client_id: is missing: the issuer gives one to each program that it logs people in to`,
			`5: console.oidc.readers[0]: is no name of a group`,
		}},
		{"one address for both", "public: { address: 'localhost:1' }\nconsole: { address: 'localhost:1' }", []string{
			`2: console.address: is the public address too: the console needs one of its own`,
		}},
		{"slots", "polling:\n  active: TZ=0\n  idle: 0 0 30 2 *\n  audit: '@every 24h'", []string{
			`2: polling.active: "TZ=0" names a time zone: slots are in UTC`,
			`3: polling.idle: "0 0 30 2 *" never comes: there is no such day`,
			`4: polling.audit: "@every 24h" counts from each start, so daily restarts starve it: give fixed slots such as 0 */6 * * *`,
		}},
		{"a slot in words", "polling: { active: six o'clock }", []string{
			`1: polling.active: "six o'clock" is not a cron line such as 0 */6 * * * (minute, hour, day, month, weekday)`,
		}},
		{"an account of nobody", "accounts:\n  - {}", []string{
			`2: accounts[0].id: is missing: it names the account in URLs, rows and logs`,
			`2: accounts[0].provider: is missing: one of dropboxsign, onespan`,
		}},
		{"ids", account("id: Sales"), []string{
			`2: accounts[0].id: "Sales" is not an id: lower case letters, digits, - and _, at most 63, a letter or digit first`,
		}},
		{"two of one id", account("id: a") + strings.TrimPrefix(account("id: a"), "accounts:\n"), []string{
			`5: accounts[1].id: "a" is accounts[0] already: ids name accounts in URLs and rows`,
		}},
		{"an unknown provider", "accounts: [{ id: a, provider: docusign }]", []string{
			`1: accounts[0].provider: "docusign" is not a provider: one of dropboxsign, onespan`,
		}},
		{"the choices of an account",
			account("id: a", "confirm: never", "scope: most", "download: [all]", "external_id: a..b"), []string{
				`3: accounts[0].confirm: "never" is not final or all`,
				`4: accounts[0].scope: "most" is not all or own`,
				`5: accounts[0].download[0]: "all" is not signed or evidence`,
				`6: accounts[0].external_id: "a..b" is not a path such as metadata.contract_id`,
			}},
		{"the numbers of an account",
			account("id: a", "budget: { read: -1, files: many }", "recheck_after: [0s, 2d, soon]", "gap_grace: 1w",
				"include_test: 'yes'"), []string{
				`3: accounts[0].budget.files: "many" is not a whole number`,
				`3: accounts[0].budget.read: -1 is not a number of requests a minute`,
				`4: accounts[0].recheck_after[2]: "soon" is not a duration such as 30d, 2w, 12h, 5m or 10s`,
				`4: accounts[0].recheck_after[0]: 0s is not between 1s and 1d`,
				`4: accounts[0].recheck_after[1]: 48h0m0s is not between 1s and 1d`,
				`4: accounts[0].recheck_after[2]: 0s is not between 1s and 1d`,
				`5: accounts[0].gap_grace: 168h0m0s is more than a day`,
				`6: accounts[0].include_test: "yes" is not true or false`,
			}},
		{"the pages of an account",
			account("id: a", "base_url: apps.esignlive.com", "return_page: /done", "hints: { enabled: true }",
				"polling: { active: x }"), []string{
				`3: accounts[0].base_url: "apps.esignlive.com" is not a URL that begins with https:// or http://`,
				`4: accounts[0].return_page: "/done" is not a page that begins with https:// or http://`,
				`6: accounts[0].polling.active: "x" is not a cron line such as 0 */6 * * * (minute, hour, day, month, weekday)`,
			}},
		{"an unknown setting",
			"accounts:\n  - id: a\n    provider: onespan\n    settings:\n      api_key: s3cret\n      api_kye: s3cret", []string{
				`6: accounts[0].settings.api_kye: unknown key: did you mean api_key?`,
			}},
		{"settings of a wrong kind, never repeated",
			"accounts:\n  - id: a\n    provider: onespan\n    settings:\n      api_key: [s3cret]\n      retries: s3cret\n      callback_keys: s3cret\n      oauth: s3cret", []string{
				`5: accounts[0].settings.api_key: is not a single value`,
				`6: accounts[0].settings.retries: the value is not a whole number`,
				`7: accounts[0].settings.callback_keys: is not a list`,
				`8: accounts[0].settings.oauth: is not a mapping (key: value)`,
			}},
		{"what the provider says", "accounts:\n  - id: a\n    provider: onespan\n    settings: {}", []string{
			`4: accounts[0].settings: api_key is missing`,
		}},
		{"settings that are not there", "accounts:\n  - id: a\n    provider: onespan", []string{
			`2: accounts[0].settings: api_key is missing`,
		}},
		{"secrets", "accounts:\n  - id: a\n    provider: onespan\n    settings:\n      api_key: '${GONE}'\n      callback_key: x${EMPTY}\n      callback_keys_file: gone\n      oauth: { client_secret_file: empty }\n  - id: b\n    provider: onespan\n    settings:\n      api_key: '${'", []string{
			`5: accounts[0].settings.api_key: the environment has no GONE`,
			`6: accounts[0].settings.callback_key: EMPTY is empty in the environment`,
			`7: accounts[0].settings.callback_keys_file: open DIR/gone: no such file or directory`,
			`8: accounts[0].settings.oauth.client_secret_file: empty is empty`,
			`12: accounts[1].settings.api_key: has a ${ that does not end in NAME}: a dollar sign itself is $$`,
		}},
		{"a secret and its file",
			"accounts:\n  - id: a\n    provider: onespan\n    settings: { api_key: x, api_key_file: full }", []string{
				`4: accounts[0].settings.api_key_file: stands beside api_key: leave one of them`,
			}},
		{"hooks", "hooks:\n  - type: mail\n    id: a\n  - type: http\n    id: a\n    url: x\n    command: [y]\n    statuses: [unknown, done]\n    accounts: [nobody]\n    wait_for_confirmation: some\n    secrets: [x]\n  - type: command\n    id: c\n    command: [true]\n    kinds: [all]\n  - type: nats\n    url: x\n    id: A\n    timeout: 0s\n    retry_first: 2s\n    retry_most: 1s\n    give_up_after: 1s\n    parallel: 0", []string{
			`2: hooks[0].type: "mail" is not http, command or nats`,
			`5: hooks[1].id: "a" is hooks[0] already`,
			`6: hooks[1].url: is not a URL that begins with https:// or http:// and has no password in it`,
			`7: hooks[1].command: belongs to hooks of type command`,
			`7: hooks[1].command[0]: "y" is not an absolute path`,
			`8: hooks[1].statuses[0]: "unknown" is not a status that is announced`,
			`8: hooks[1].statuses[1]: "done" is not a status that is announced`,
			`9: hooks[1].accounts[0]: "nobody" is no account of this config`,
			`10: hooks[1].wait_for_confirmation: "some" is not final, all or none`,
			"11: hooks[1].secrets[0]: is not whsec_ and 24 to 64 bytes in base64, as `openssl rand -base64 32` makes them",
			`14: hooks[2].command[0]: "true" is not an absolute path`,
			`15: hooks[2].kinds[0]: "all" is not status, confirmed, flag, attention, document, gap, incident or forgotten`,
			`16: hooks[3].subject: is missing: where messages are published`,
			`17: hooks[3].url: is not a URL such as nats://host:4222 that has no password in it`,
			`18: hooks[3].id: "A" is not an id: lower case letters, digits, - and _, at most 63, a letter or digit first`,
			`19: hooks[3].timeout: 0s is not between 1s and 5m0s`,
			`21: hooks[3].retry_most: 1s is not between 2s and 24h0m0s`,
			`22: hooks[3].give_up_after: 1s is not between 1m0s and 720h0m0s`,
			`23: hooks[3].parallel: 0 is not between 1 and 64`,
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := faultsOf(t, test.config)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
		})
	}
}

// account is a config of one account with these lines.
func account(lines ...string) string {
	return "accounts:\n  - " + strings.Join(append(lines, "provider: onespan", "settings: { api_key: x }"), "\n    ") +
		"\n"
}

func bomb() string {
	s := "lol0: &l0 [x,x,x,x,x,x,x,x,x,x]\n"
	for _, n := range []string{"1", "2", "3", "4", "5", "6", "7", "8", "9"} {
		last := string(n[0] - 1)
		s += "lol" + n + ": &l" + n + " [" + strings.Repeat("*l"+last+",", 9) + "*l" + last + "]\n"
	}
	return s
}

// faultsOf loads a config beside the files full, empty and keys, and returns what is wrong with it.
func faultsOf(t *testing.T, config string) []string {
	t.Helper()
	dir := t.TempDir()
	cert, _ := configtest.SelfSigned(t, "sign.example.com")
	_, other := configtest.SelfSigned(t, "sign.example.com")
	for name, text := range map[string]string{"full": "from a file\n", "empty": "\n", "cert.pem": cert,
		"other.pem": other} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, err := Parse(filepath.Join(dir, "config.yaml"), []byte(config), onPaper(map[string]string{"EMPTY": ""}))
	var list *tree.Faults
	if err != nil && !errors.As(err, &list) {
		t.Fatal(err)
	}
	var got []string
	if list != nil {
		for _, f := range list.All {
			text := f.In("")
			if strings.Contains(text, "s3cret") {
				t.Errorf("a fault repeats a secret: %s", text)
			}
			got = append(got, strings.ReplaceAll(strings.TrimPrefix(text, ":"), dir, "DIR"))
		}
	}
	return got
}

// Whoever only reads the database may lack the right to the listener's key.
func TestReadingNeedsNoCertificate(t *testing.T) {
	t.Parallel()
	file, all := filepath.Join(t.TempDir(), "config.yaml"), onPaper(nil)
	reading := all
	reading.WithoutSecrets = true
	if err := os.WriteFile(file, []byte("public: { tls: { cert_file: gone, key_file: gone } }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(file, reading); err != nil {
		t.Errorf("reading asks for the certificate: %v", list(err))
	}
	if _, err := Load(file, all); err == nil {
		t.Error("the daemon would start without it")
	}
}
