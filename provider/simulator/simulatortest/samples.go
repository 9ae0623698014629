package simulatortest

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// Shared is the folder with the vendors' papers: the one that COUNTERSIGN_SHARED names, or else shared beside the
// module's folder.
func Shared(t *testing.T) string {
	t.Helper()
	if named := os.Getenv("COUNTERSIGN_SHARED"); named != "" {
		return named
	}
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for at := root; at != filepath.Dir(at); at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, "go.mod")); err == nil {
			return filepath.Join(filepath.Dir(at), "shared")
		}
	}
	t.Fatal("no go.mod above " + root)
	return ""
}

// Sample reads one of the vendors' samples, or skips the test where they are not at hand.
func Sample(t *testing.T, name string) any {
	t.Helper()
	shared := Shared(t)
	text, err := os.ReadFile(filepath.Join(shared, "providers", "samples", name))
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("the samples are not at hand: %v (COUNTERSIGN_SHARED names their folder)", err)
		}
		t.Skipf("the vendors' samples are not at hand, so nothing is held against them: %v (COUNTERSIGN_SHARED names their folder)", err)
	}
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// resembles says where a value lacks a member of a sample, or has it in another type. What either
// leaves null is not compared; of a sample's lists the first element stands for all.
func resembles(at string, want, got any) []string {
	if want == nil || got == nil {
		return nil
	}
	switch want := want.(type) {
	case map[string]any:
		has, ok := got.(map[string]any)
		if !ok {
			return []string{fmt.Sprintf("%s is %T and no object", at, got)}
		}
		var all []string
		for key, v := range want {
			have, some := has[key]
			if !some {
				all = append(all, at+"."+key+" is missing")
				continue
			}
			all = append(all, resembles(at+"."+key, v, have)...)
		}
		return all
	case []any:
		list, ok := got.([]any)
		if !ok {
			return []string{fmt.Sprintf("%s is %T and no list", at, got)}
		}
		var all []string
		for i, v := range list {
			if len(want) > 0 {
				all = append(all, resembles(fmt.Sprintf("%s[%d]", at, i), want[0], v)...)
			}
		}
		return all
	}
	if fmt.Sprintf("%T", want) != fmt.Sprintf("%T", got) {
		return []string{fmt.Sprintf("%s is %T, in the sample %T", at, got, want)}
	}
	return nil
}

// LikeSample holds JSON text against a sample.
func LikeSample(t *testing.T, name string, text []byte) {
	t.Helper()
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("%s: %v: %.200s", name, err, text)
	}
	for _, fault := range resembles("", Sample(t, name), v) {
		t.Errorf("%s: %s", name, fault)
	}
}

// Samples loads the captured bodies whose name fits, or skips the test where they are not at hand.
func Samples(t *testing.T, pattern string) map[string]any {
	t.Helper()
	shared := Shared(t)
	files, err := filepath.Glob(filepath.Join(shared, "providers", "samples", "documenso", pattern))
	if err != nil || len(files) == 0 {
		if os.Getenv("CI") != "" {
			t.Fatalf("no captured bodies %s below %s: %v (COUNTERSIGN_SHARED names their folder)", pattern, shared, err)
		}
		t.Skipf("the captured bodies are not at hand, so nothing is held against them: %s below %s (COUNTERSIGN_SHARED names their folder)", pattern, shared)
	}
	all := map[string]any{}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var v any
		if err := json.Unmarshal(text, &v); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all[filepath.Base(name)] = v
	}
	return all
}

// Unlike says where ours lacks a member of theirs or has another JSON type. What is null on one
// side says nothing of the type; of lists the first elements are compared.
func Unlike(path string, ours, theirs any) []string {
	if ours == nil || theirs == nil {
		return nil
	}
	if a, b := fmt.Sprintf("%T", ours), fmt.Sprintf("%T", theirs); a != b {
		return []string{fmt.Sprintf("%s is %s, captured was %s", path, a, b)}
	}
	var found []string
	switch their := theirs.(type) {
	case map[string]any:
		our := ours.(map[string]any)
		for name, value := range their {
			if mine, some := our[name]; some {
				found = append(found, Unlike(path+"."+name, mine, value)...)
			} else {
				found = append(found, path+"."+name+" is missing")
			}
		}
		for name := range our {
			if _, some := their[name]; !some {
				found = append(found, path+"."+name+" was not captured")
			}
		}
	case []any:
		if our := ours.([]any); len(our) > 0 && len(their) > 0 {
			return Unlike(path+"[0]", our[0], their[0])
		}
	}
	slices.Sort(found)
	return found
}

// MustSample is a sample as text.
func MustSample(t *testing.T, name string) []byte {
	t.Helper()
	text, err := json.Marshal(Sample(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}
