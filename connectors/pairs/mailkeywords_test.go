//go:build linux

package pairs_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/imap/imaptest"
	"github.com/rialto-migrate/rialto/internal/migrate"
	"github.com/rialto-migrate/rialto/item"
)

// Keywords that the target keeps none of are a loss that is forecast, and nothing
// fails for them; those that it has are kept.
func TestMailKeywords(t *testing.T) {
	one, two := imaptest.Start(t, imaptest.Options{}), imaptest.Start(t, imaptest.Options{})
	at := time.Date(2019, 3, 4, 5, 6, 7, 0, time.UTC)
	one.Deliver(t, "ann", "", "1.M1P1.test", "S", at, []byte("Subject: 1\r\nMessage-ID: <1@x.test>\r\n\r\ntext\r\n"))
	from, to := mailbox(one, "ann"), mailbox(two, "bob")
	h := newHaul(t, from, to)
	h.run()
	to.set["keywords"] = "$Forwarded"
	keyword(t, from, "$Forwarded", "$Work")
	f, err := h.engine().Forecast(t.Context())
	if err != nil || !slices.ContainsFunc(f.Losses, func(l migrate.Loss) bool { return l.Kind == item.Message && l.Field == item.Flags.Name }) {
		t.Errorf("the forecast lacks the loss: %v %+v", err, f)
	}
	r := h.run()
	if r.Failed != 0 || r.Kinds[item.Message].Updated != 1 {
		t.Errorf("the run: %+v", r)
	}
	if got := to.letters(t); len(got) != 1 || !strings.Contains(got[0], `[$Forwarded \Seen]`) {
		t.Errorf("there is %v", got)
	}
	h.verify()
}

// keyword adds keywords to all messages of a mailbox.
func keyword(t *testing.T, of shelf, add ...string) {
	t.Helper()
	cloud := of.side(t).Cloud
	src, err := cloud.Source(t.Context())
	must(t, err)
	dst, err := cloud.Target(t.Context(), "")
	must(t, err)
	for shard, err := range src.Shards(t.Context()) {
		must(t, err)
		for page, err := range src.List(t.Context(), shard, "") {
			must(t, err)
			for _, b := range page.Bundles {
				if b.Item.Kind != item.Message {
					continue
				}
				it := b.Item.Clone()
				item.Flags.Set(&it, append(item.Flags.Get(it), add...))
				for r, err := range dst.Write(t.Context(), []connector.Change{{Op: connector.Update, Item: it}}, nil) {
					must(t, err)
					must(t, r.Err)
				}
			}
		}
	}
}
