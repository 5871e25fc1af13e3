package imap

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/imap/wire"
	"github.com/rialto-migrate/rialto/item"
)

// An exchange is a mailbox as Microsoft 365 keeps one, as far as its limits matter: it
// takes messages, and notes when it was asked for what.
type exchange struct {
	mu       sync.Mutex
	sizes    []int // of its messages
	open     int
	most     int // connections at once
	commands []time.Time
	uploads  []upload
}

type upload struct {
	at    time.Time
	bytes int
}

// connect is a way to the server that needs no network.
func (x *exchange) connect(context.Context, string) (net.Conn, error) {
	near, far := net.Pipe()
	x.mu.Lock()
	x.open++
	x.most = max(x.most, x.open)
	x.mu.Unlock()
	go func() {
		defer far.Close()
		x.speak(bufio.NewReader(far), bufio.NewWriter(far))
	}()
	return &counted{Conn: near, x: x}, nil
}

// A counted connection counts as long as its owner has not closed it.
type counted struct {
	net.Conn
	x    *exchange
	once sync.Once
}

func (c *counted) Close() error {
	c.once.Do(func() {
		c.x.mu.Lock()
		defer c.x.mu.Unlock()
		c.x.open--
	})
	return c.Conn.Close()
}

func (x *exchange) speak(r *bufio.Reader, w *bufio.Writer) {
	said := make(chan string, 4096) // a pipe holds nothing, and clients write before they read
	defer close(said)
	go func() {
		for s := range said {
			fmt.Fprint(w, strings.ReplaceAll(s, "\n", "\r\n"))
			if w.Flush() != nil {
				for range said {
					continue
				}
			}
		}
	}()
	said <- "* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR UIDPLUS LITERAL+ CHILDREN] x\n"
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		tag, command, _ := strings.Cut(strings.TrimSpace(line), " ")
		time.Sleep(10 * time.Millisecond) // the way, and the work
		x.mu.Lock()
		x.commands = append(x.commands, time.Now())
		x.mu.Unlock()
		word, rest, _ := strings.Cut(command, " ")
		switch {
		case word == "AUTHENTICATE":
			said <- tag + " OK [CAPABILITY IMAP4rev1 UIDPLUS LITERAL+ CHILDREN] x\n"
			continue
		case word == "LIST":
			said <- "* LIST () \"/\" INBOX\n"
		case word == "SELECT", word == "EXAMINE":
			x.mu.Lock()
			said <- fmt.Sprintf("* %d EXISTS\n* OK [UIDVALIDITY 14] x\n", len(x.sizes))
			x.mu.Unlock()
		case word == "APPEND":
			uid, ok := x.append(r, rest)
			if !ok {
				return
			}
			said <- fmt.Sprintf("%s OK [APPENDUID 14 %d] x\n", tag, uid)
			continue
		case strings.HasPrefix(command, "UID FETCH "):
			set, _, _ := strings.Cut(strings.TrimPrefix(command, "UID FETCH "), " ")
			uids, _ := wire.ParseSet(set)
			x.mu.Lock()
			for _, uid := range uids {
				said <- fmt.Sprintf("* %d FETCH (UID %d FLAGS () INTERNALDATE \"22-Nov-2001 13:33:36 +0000\" RFC822.SIZE %d)\n", uid, uid, x.sizes[uid-1])
			}
			x.mu.Unlock()
		}
		said <- tag + " OK x\n"
	}
}

// append takes a literal, piece by piece, and the end of its line.
func (x *exchange) append(r *bufio.Reader, rest string) (uid int, ok bool) {
	size := 0
	if _, err := fmt.Sscanf(rest[strings.LastIndex(rest, "{"):], "{%d+}", &size); err != nil {
		return 0, false
	}
	if _, err := io.CopyN(io.Discard, r, int64(size)); err != nil {
		return 0, false
	}
	if _, err := r.ReadString('\n'); err != nil {
		return 0, false
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.uploads = append(x.uploads, upload{time.Now(), size})
	x.sizes = append(x.sizes, size)
	return len(x.sizes), true
}

// Microsoft 365 documents 4 connections, 10,000 requests in 10 minutes and 150 MB of
// uploads in 5 minutes for a mailbox: however much there is, no window holds more, and
// most of it is used.
func TestMicrosoftLimits(t *testing.T) {
	for _, c := range []struct {
		name       string
		messages   int
		bytes      int
		most       time.Duration
		byCommands bool
	}{
		{"many small messages", 25_000, 60, 32 * time.Minute, true},
		{"few large messages", 220, 2_000_000, 17 * time.Minute, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				x := &exchange{}
				set := connector.Settings{setServer: "127.0.0.1:143", setSecurity: securityNone, setService: serviceMicrosoft, setUser: "ann", setPassword: "p"}
				cloud, err := New().Open(t.Context(), connector.Env{Settings: set, HTTP: connector.NewClient(connector.ClientOptions{
					Dialing: connector.Dialing{Connect: x.connect}, Pacer: connector.NewPacer(New().Capabilities(set).Quotas)})})
				if err != nil {
					t.Fatal(err)
				}
				dst, err := cloud.Target(t.Context(), "")
				if err != nil {
					t.Fatal(err)
				}
				body := message("a@b", c.bytes)
				began := time.Now()
				var lanes sync.WaitGroup
				for from := 0; from < c.messages; from += messageBatch {
					lanes.Go(func() {
						var changes []connector.Change
						for range min(messageBatch, c.messages-from) {
							it := item.Item{Ref: item.Ref{Kind: item.Message}, Parent: item.Ref{Kind: item.Folder, ID: folderID("INBOX")}}
							it.Blob = &item.Blob{Ref: it.Ref, Bytes: int64(len(body))}
							changes = append(changes, connector.Change{Op: connector.Create, Item: it})
						}
						for r, err := range dst.Write(t.Context(), changes, func(item.Blob, int64, int64) (io.ReadCloser, error) {
							return io.NopCloser(strings.NewReader(string(body))), nil
						}) {
							if err != nil || r.Err != nil {
								t.Error(err, r.Err)
							}
						}
					})
				}
				lanes.Wait()
				took := time.Since(began)
				cloud.Close()
				synctest.Wait()
				x.hold(t, took)
				if took > c.most {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

// hold holds what the server noted against the limits.
func (x *exchange) hold(t *testing.T, took time.Duration) {
	t.Helper()
	if x.most > 4 {
		t.Errorf("%d connections at once", x.most)
	}
	most := 0
	for from, to := 0, 0; to < len(x.commands); to++ {
		for x.commands[to].Sub(x.commands[from]) >= 10*time.Minute {
			from++
		}
		most = max(most, to-from+1)
	}
	if most > 10_000 {
		t.Errorf("%d commands in 10 minutes", most)
	}
	bytes, peak := 0, 0
	for from, to := 0, 0; to < len(x.uploads); to++ {
		bytes += x.uploads[to].bytes
		for x.uploads[to].at.Sub(x.uploads[from].at) >= 5*time.Minute {
			bytes -= x.uploads[from].bytes
			from++
		}
		peak = max(peak, bytes)
	}
	if peak > 150_000_000 {
		t.Errorf("%d bytes in 5 minutes", peak)
	}
	t.Logf("%v: at most %d connections, %d commands in 10 minutes, %d bytes in 5", took, x.most, most, peak)
}
