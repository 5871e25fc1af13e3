// Package standin holds what stand-ins share. A stand-in is a local server
// with state that speaks a cloud's API by the vendor's own published contract:
// it refuses what the cloud refuses, in the vendor's own words and headers.
//
// What is the same for every vendor lives here: faults on demand (Faults),
// rate limits (Limiter), a server with a graceful stop (Serve), a transport
// that needs no network (Transport), and the page on which a stand-in shows its
// state (RenderBoards).
package standin

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"time"
)

// A Cloud is a stand-in. It serves the vendor's API under the vendor's own
// paths, and its state as a web page at "/".
type Cloud interface {
	http.Handler
	// Name is the connector's name: "trello".
	Name() string
	// Settings are what `rialto connect --set` takes to reach this stand-in at a
	// base address such as "http://127.0.0.1:8080": the url, and credentials that
	// it accepts.
	Settings(base string) map[string]string
	// Load puts a data file into the cloud: for Trello, an export of a board.
	// The name is the file's and tells formats apart; the error says what to do.
	Load(name string, r io.Reader) error
}

// Shown is a stand-in that can show its state on a page with others.
type Shown interface {
	// PageBoards is what the cloud holds now, ready to be shown.
	PageBoards() []PageBoard
}

// StopGrace is how long Serve waits for running requests when it is told to
// stop.
const StopGrace = 5 * time.Second

// Serve answers requests until ctx ends, then lets the running ones finish for
// at most StopGrace. It closes the listener. It returns nil after a stop that
// was asked for.
func Serve(ctx context.Context, l net.Listener, h http.Handler) error {
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), StopGrace)
	defer cancel()
	err := srv.Shutdown(stop)
	if err != nil {
		err = errors.Join(err, srv.Close())
	}
	if served := <-failed; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}
