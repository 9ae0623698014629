package main

import (
	"countersign/cmd/countersign/config"
	"countersign/provider/allsign"
	"countersign/provider/autosign"
	"countersign/provider/documenso"
	"countersign/provider/dropboxsign"
	"countersign/provider/onespan"
)

// providers is every service that countersign speaks to, by the name in the config.
func providers() map[string]config.Factory {
	return map[string]config.Factory{
		"allsign":     allsign.New,
		"autosign":    autosign.New,
		"documenso":   documenso.New,
		"dropboxsign": dropboxsign.New,
		"onespan":     onespan.New,
	}
}
