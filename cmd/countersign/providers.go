package main

import (
	"countersign/provider"
	"countersign/provider/allsign"
	"countersign/provider/autosign"
	"countersign/provider/documenso"
	"countersign/provider/dropboxsign"
	"countersign/provider/onespan"
)

// providers is every service that countersign speaks to, by the name in the config.
func providers() map[string]provider.Driver {
	return map[string]provider.Driver{
		"allsign":     {Traits: allsign.Traits(), New: allsign.New},
		"autosign":    {Traits: autosign.Traits(), New: autosign.New},
		"documenso":   {Traits: documenso.Traits(), New: documenso.New},
		"dropboxsign": {Traits: dropboxsign.Traits(), New: dropboxsign.New},
		"onespan":     {Traits: onespan.Traits(), New: onespan.New},
	}
}
