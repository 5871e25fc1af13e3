package imap

import (
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/imap/imaptest"
	"github.com/rialto-migrate/rialto/item"
)

// BenchmarkMove moves 20,000 messages of some 4 KB from one Dovecot to another, and
// lists them again as a second pass does.
func BenchmarkMove(b *testing.B) {
	const n = 20000
	one := imaptest.Start(b, imaptest.Options{})
	at := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
	for i := range n {
		one.Deliver(b, "ann", "", fmt.Sprintf("%d.M%d.test", 981173106+i, i), "S", at, message(fmt.Sprintf("%d@b", i), 2000+i%50*80))
	}
	from := open(b, one, "ann", &connector.Guard{}, nil)
	src, _ := ends(b, from, from)
	began := time.Now()
	list(b, src)
	b.Logf("first listing: %v", time.Since(began))
	began = time.Now()
	list(b, src)
	b.Logf("second listing: %v", time.Since(began))
	var opened int64
	began = time.Now()
	for _, m := range list(b, src) {
		if m.Item.Kind == item.Message {
			r, err := src.Open(b.Context(), *m.Item.Blob, 0, -1)
			if err != nil {
				b.Fatal(err)
			}
			k, _ := io.Copy(io.Discard, r)
			r.Close()
			opened += k
		}
	}
	b.Logf("reading %d bytes one after the other: %v", opened, time.Since(began))
	for i := 0; b.Loop(); i++ {
		two := imaptest.Start(b, imaptest.Options{})
		to := open(b, two, "bob", nil, nil)
		_, dst := ends(b, to, to)
		began := time.Now()
		if _, failed := move(b, src, dst); len(failed) > 0 {
			b.Fatal(failed)
		}
		b.ReportMetric(time.Since(began).Seconds(), "s/move")
	}
}
