package layout

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHelpIsAtMostEightyColumnsWide(t *testing.T) {
	t.Parallel()
	long := "verb does this and that, at some length, so that the sentence is wider than a terminal of eighty\ncolumns has room for.\n\n  habit[=SHARE]    what it does\nmore"
	usage := "Usage:\n  countersign verb [flags]\n\nExamples:\n  countersign verb --of everything --that is --wider than --a terminal | grep -v something\n\n" +
		"Flags:\n      --config FILE     config FILE (default: COUNTERSIGN_CONFIG, ./config.yaml, /etc/countersign/config.yaml)\n" +
		"  -h, --help            help\n      --long " + strings.Repeat("x", 100) + "\n"
	require.Equal(t, "verb does this and that, at some length, so that the sentence is wider than a\n"+
		"terminal of eighty columns has room for.\n\n  habit[=SHARE]    what it does\nmore\n\n"+
		"Usage:\n  countersign verb [flags]\n\nExamples:\n  countersign verb --of everything --that is --wider than --a terminal | grep -v something\n\n"+
		"Flags:\n      --config FILE     config FILE (default: COUNTERSIGN_CONFIG, ./config.yaml,\n"+
		"                        /etc/countersign/config.yaml)\n  -h, --help            help\n      --long\n      "+strings.Repeat("x", 100)+"\n",
		Help(long, usage))
}
