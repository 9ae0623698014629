package main

import (
	"countersign/provider"
	"countersign/provider/autosign"
	"countersign/provider/dropboxsign"
	"countersign/provider/onespan"
)

// factory builds a provider for one account. It does no I/O.
type factory func(provider.Options) (provider.Provider, error)

// providers is every service that countersign speaks to, by the name in the config.
func providers() map[string]factory {
	return map[string]factory{
		"autosign":    autosign.New,
		"dropboxsign": dropboxsign.New,
		"onespan":     onespan.New,
	}
}
