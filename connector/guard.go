package connector

import (
	"context"
	"net/http"
)

// A Deed names what writing requests to a source are for. There are these two,
// and nothing else ever writes to a source.
type Deed string

const (
	Closing   Deed = "close"  // a container at a cut-over, its forwarding note included
	Reopening Deed = "reopen" // a container that was closed so
)

// A Guard keeps a connection from writing: its client refuses whatever could
// change something before it is sent. The zero value refuses everything; whoever
// holds the Guard can permit a deed to the calls made with a context. Safe for
// concurrent use.
type Guard struct {
	_ byte // two guards are never the same
}

type permitKey struct{}

type permit struct {
	guard *Guard
	deed  Deed
}

// Permit lets the calls made with the returned context do one deed: those
// requests that name it.
func (g *Guard) Permit(ctx context.Context, d Deed) context.Context {
	return context.WithValue(ctx, permitKey{}, permit{g, d})
}

// refuses returns the refusal of a request that may not be sent; nil lets it
// pass. A nil Guard refuses nothing.
func (g *Guard) refuses(ctx context.Context, q Request) *Error {
	if g == nil || q.Reads || q.Method == http.MethodGet || q.Method == http.MethodHead {
		return nil
	}
	if p, ok := ctx.Value(permitKey{}).(permit); ok && q.Deed != "" && p == (permit{g, q.Deed}) {
		return nil
	}
	return Errorf(Forbidden, "%s was not sent: a source is only read", q.where()).
		WithHint("nothing but rialto cutover writes to a source, and only to close and reopen what has moved; please report this as a mistake of the connector")
}
