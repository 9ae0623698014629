package model_test

// The grids, one row of a provider's each: ten letters for a weak claim, a claim and an answer (no
// status, then Statuses() in their order), then hint, not found, gone. See letters.

var onespanGrid = map[string]string{
	"no row":                          "DDDDDDDDDD DDMMMMMDMD uummmmmmmm Naa",
	"unknown":                         "DDDDDDDDDD DDMMMMMDMD uummmmmmmm Naa",
	"draft":                           "DDsmDDDDDD DDsmMMMDMD uusmmmmmmm Naa",
	"in_progress":                     "DDDsDDDDDD DDDsMMMDMD uumsmmmmmm Naa",
	"completed":                       "DDDDsDDDDD DDDDsDDDDD uummsmmmmm Naa",
	"declined":                        "DDDDDsDDDD DDDDDsDDDD uummmsmmmm Naa",
	"expired":                         "DDDDDDsDDD DDDDDDsDDD uummmmsmmm Naa",
	"cancelled":                       "DDDDDDDsDD DDDDDDDsDD uummmmmsmm Naa",
	"opted_out":                       "DDDDDDDDsD DDDDDDDDsD uummmmmmsm Naa",
	"failed":                          "DDDDDDDDDs DDDDDDDDDs uummmmmmms Naa",
	"draft, called back":              "DDsmDDDDDD DDsmMMMDMD uucmmmmmmm Nhh",
	"in_progress, called back":        "DDDsDDDDDD DDDsMMMDMD uumcmmmmmm Nhh",
	"completed, called back":          "DDDDDDDDDD DDDDDDDDDD hhhhcmmmmm Nhh",
	"declined, called back":           "DDDDDDDDDD DDDDDDDDDD hhhhmcmmmm Nhh",
	"expired, called back":            "DDDDDDDDDD DDDDDDDDDD hhhhmmcmmm Nhh",
	"cancelled, called back":          "DDDDDDDDDD DDDDDDDDDD hhhhmmmcmm Nhh",
	"opted_out, called back":          "DDDDDDDDDD DDDDDDDDDD hhhhmmmmcm Nhh",
	"failed, called back":             "DDDDDDDDDD DDDDDDDDDD hhhhmmmmmc Nhh",
	"in_progress, completed reported": "DDDsDDDDDD DDDsMMMDMD hhhhmmmmmm Nhh",
}

var dropboxsignGrid = map[string]string{
	"no row":                          "DDDDDDDDDD DDMMMMMMDM uummmmmmmm Nam",
	"unknown":                         "DDDDDDDDDD DDMMMMMMDM uummmmmmmm Nam",
	"draft":                           "DDsmDDDDDD DDsmDDDDDD uusmmmmmmm Nam",
	"in_progress":                     "DDDsDDDDDD DDDsMMMMDM uumsmmmmmm Nam",
	"completed":                       "DDDDsDDDDD DDDDsDDDDD uummsmmmmm Naa",
	"declined":                        "DDDDDsDDDD DDDDDsDDDD uummmsmmmm Naa",
	"expired":                         "DDDDDDsDDD DDDDDDsDDD uummmmsmmm Naa",
	"cancelled":                       "DDDDDDDsDD DDDDDDDsDD uummmmmsmm Nas",
	"opted_out":                       "DDDDDDDDsD DDDDDDDDsD uummmmmmsm Naa",
	"failed":                          "DDDDDDDDDs DDDDDDDDDs uummmmmmms Naa",
	"draft, called back":              "DDsmDDDDDD DDsmDDDDDD uucmmmmmmm Nhm",
	"in_progress, called back":        "DDDsDDDDDD DDDsMMMMDM uumcmmmmmm Nhm",
	"completed, called back":          "DDDDDDDDDD DDDDDDDDDD hhhhcmmmmm Nhh",
	"declined, called back":           "DDDDDDDDDD DDDDDDDDDD hhhhmcmmmm Nhh",
	"expired, called back":            "DDDDDDDDDD DDDDDDDDDD hhhhmmcmmm Nhh",
	"cancelled, called back":          "DDDDDDDDDD DDDDDDDDDD hhhhmmmcmm Nhc",
	"opted_out, called back":          "DDDDDDDDDD DDDDDDDDDD hhhhmmmmcm Nhh",
	"failed, called back":             "DDDDDDDDDD DDDDDDDDDD hhhhmmmmmc Nhh",
	"in_progress, completed reported": "DDDsDDDDDD DDDsMMMMDM hhhhmmmmmm Nhh",
}
