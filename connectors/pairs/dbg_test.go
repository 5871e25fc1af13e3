package pairs_test

import (
	"fmt"
	microsoft "github.com/rialto-migrate/rialto/connectors/microsoft/standin"
	"os"
	"testing"
)

func TestDbg(t *testing.T) {
	if os.Getenv("DBG") == "" {
		t.Skip()
	}
	from, to := newTrello(t, 3), newPlanner(t, microsoft.Options{}, true)
	from.fillTrello()
	m := newMove(t, from, to, "board:Marketing")
	m.forecast()
	m.run("complete")
	v := m.compare()
	fmt.Println(differences(v))
	for _, b := range to.tenant.PageBoards() {
		for _, c := range b.Columns {
			for _, k := range c.Cards {
				for _, x := range k.Comments {
					s := x.Text
					if len(s) > 300 {
						s = fmt.Sprint(len(s), s[:150], "...", s[len(s)-100:])
					}
					fmt.Printf("%q: %q\n", k.Title, s)
				}
			}
		}
	}
}
