package provider

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"unicode"
)

// Base is where the account's service is reached: its base URL, or production where it has none.
func (o Options) Base(production string) string {
	return strings.TrimRight(cmp.Or(strings.TrimSpace(o.BaseURL), production), "/")
}

// ReadSettings decodes an account's settings into v, a pointer to a struct with yaml tags. White space around keys,
// tokens, ids and addresses is cut: no service has any there, and `echo key | base64` puts a line break there. A field
// tagged `spaces:"meant"` is left as it is. It returns what cannot be decoded as err, and what can and is wrong as
// faults, such as a line break inside a key, each with its path.
func ReadSettings(o Options, v any) (faults, err error) {
	if err := o.Settings(v); err != nil {
		return nil, err
	}
	var all []error
	trim(reflect.ValueOf(v).Elem(), "settings", &all)
	return errors.Join(all...), nil
}

// trim cuts the white space around every text below v but in maps, whose keys are a service's own words.
func trim(v reflect.Value, path string, faults *[]error) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			trim(v.Elem(), path, faults)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Type().Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
			if f.IsExported() && f.Tag.Get("spaces") != "meant" {
				trim(v.Field(i), path+"."+cmp.Or(name, strings.ToLower(f.Name)), faults)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			trim(v.Index(i), fmt.Sprintf("%s[%d]", path, i), faults)
		}
	case reflect.String:
		s := strings.TrimSpace(v.String())
		v.SetString(s)
		if strings.ContainsFunc(s, unicode.IsControl) {
			*faults = append(*faults, fmt.Errorf("%s: holds a line break or another control character inside", path))
		}
	}
}
