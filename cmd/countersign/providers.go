package main

import (
	"countersign/model"
	"countersign/provider"
	"countersign/provider/allsign"
	"countersign/provider/autosign"
	"countersign/provider/documenso"
	"countersign/provider/dropboxsign"
	"countersign/provider/onespan"
)

// factory builds a provider for one account. It does no I/O.
type factory func(provider.Options) (provider.Provider, error)

// providers is every service that countersign speaks to, by the name in the config.
func providers() map[string]factory {
	return map[string]factory{
		"allsign":     allsign.New,
		"autosign":    autosign.New,
		"documenso":   documenso.New,
		"dropboxsign": dropboxsign.New,
		"onespan":     onespan.New,
	}
}

// expected is what a provider's signed files carry as far as anybody has seen: each sealed file of Documenso's has a
// signature (docs/providers/documenso.md). Of the others nobody has seen it, so they need not.
func expected(provider string) model.Expectation {
	if provider == "documenso" {
		return model.SignaturesRequired
	}
	return model.SignaturesIfPresent
}
