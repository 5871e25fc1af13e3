// Package certificate writes down what a migration moved, so that somebody who
// trusts neither the service nor its database can check it later: counts, bytes,
// and the root of a Merkle tree (RFC 6962, by way of golang.org/x/mod/sumdb/tlog)
// over every row of the ledger, signed with Ed25519 as a note
// (https://c2sp.org/signed-note).
//
// A certificate is a text: the signed part, which people can read, an empty line, and
// the rows that the root stands for. Rows hold ids and keyed hashes, no content.
package certificate

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/ledger"
)

const (
	firstLine = "rialto certificate 1"
	keyName   = "rialto.certificate"
	rowsLine  = "rows"
)

// A Certificate says what a migration moved.
type Certificate struct {
	Organisation string // by its id
	Migration    string
	Program      string // that made it
	Made         time.Time
	From, To     string // the clouds, with the ids of the accounts
	Passes       int
	First, Last  time.Time        // when the first pass began and the last one ended
	Items        map[string]int64 // "task made", "label folded": by kind and what became of them
	Failed       int64            // items that could not be moved
	Bytes        int64            // sent to the target by the service's runs
	Size         int64            // rows
	Root         tlog.Hash
}

// text is what is signed. There is one way to write it.
func (c Certificate) text() string {
	var b strings.Builder
	line := func(name, value string) { fmt.Fprintf(&b, "%s: %s\n", name, value) }
	fmt.Fprintln(&b, firstLine)
	line("organisation", strconv.Quote(c.Organisation))
	line("migration", strconv.Quote(c.Migration))
	line("program", strconv.Quote(c.Program))
	line("made", c.Made.UTC().Format(time.RFC3339))
	line("from", strconv.Quote(c.From))
	line("to", strconv.Quote(c.To))
	line("passes", strconv.Itoa(c.Passes))
	line("first", c.First.UTC().Format(time.RFC3339))
	line("last", c.Last.UTC().Format(time.RFC3339))
	for _, what := range slices.Sorted(maps.Keys(c.Items)) {
		line("items", fmt.Sprintf("%s %d", what, c.Items[what]))
	}
	line("failed", strconv.FormatInt(c.Failed, 10))
	line("bytes", strconv.FormatInt(c.Bytes, 10))
	line("rows", strconv.FormatInt(c.Size, 10))
	line("root", c.Root.String())
	return b.String()
}

// Rows are those of a ledger, in an order that stays.
type Rows = iter.Seq2[ledger.Row, error]

// A Signer signs certificates.
type Signer struct {
	signer note.Signer
	public string
}

// NewSigner makes a signer of the 32 bytes of an Ed25519 key (RFC 8032).
func NewSigner(seed []byte) (*Signer, error) {
	if len(seed) != ed25519.SeedSize {
		return nil, connector.Errorf(connector.Permanent, "certificate: the key has %d bytes; it must have %d", len(seed), ed25519.SeedSize)
	}
	public, err := note.NewEd25519VerifierKey(keyName, ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey))
	if err != nil {
		return nil, err
	}
	// https://pkg.go.dev/golang.org/x/mod/sumdb/note#hdr-Generating_Keys
	const ed25519Kind = 1
	signer, err := note.NewSigner(fmt.Sprintf("PRIVATE+KEY+%s+%s+%s", keyName, strings.Split(public, "+")[1],
		base64.StdEncoding.EncodeToString(append([]byte{ed25519Kind}, seed...))))
	return &Signer{signer, public}, err
}

// Key is what certificates are checked with. It is no secret.
func (s *Signer) Key() string { return s.public }

// Write writes the certificate of the rows, which it reads twice; Size, Root and
// Items are filled in. If they were other rows the second time, because a run went
// on, it is a Conflict, and what was written is no certificate.
func (s *Signer) Write(w io.Writer, c Certificate, rows Rows) error {
	var t tree
	c.Items = map[string]int64{}
	for r, err := range rows {
		if err != nil {
			return err
		}
		c.Items[string(r.Key.Kind)+" "+state(r.State)]++
		t.add([]byte(record(r)))
	}
	c.Size, c.Root = t.size, t.root()
	signed, err := note.Sign(&note.Note{Text: c.text()}, s.signer)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "%s\nkey: %s\n%s\n", signed, s.public, rowsLine)
	var again tree
	for r, err := range rows {
		if err != nil {
			return err
		}
		line := record(r)
		again.add([]byte(line))
		if _, err := fmt.Fprintln(out, line); err != nil {
			return err
		}
	}
	if again.size != t.size || again.root() != c.Root {
		return connector.Errorf(connector.Conflict, "certificate: the migration goes on at this moment").WithHint("ask for the certificate when its run is over")
	}
	return out.Flush()
}

// record is a row as a certificate has it, on one line: where it was, where it is, what it is
// under, how it stands, and the keyed hashes of what was written and read back.
func record(r ledger.Row) string {
	ref := func(text string) string { return strconv.Quote(strings.TrimPrefix(text, ":")) }
	return fmt.Sprintf("%s %s %s %s %016x %016x", ref(r.Key.String()), ref(r.Target.String()), ref(r.Parent.String()), state(r.State), uint64(r.Version), uint64(r.Print))
}

func state(s ledger.State) string {
	switch s {
	case ledger.Made:
		return "made"
	case ledger.Adopted:
		return "adopted"
	case ledger.Folded:
		return "folded"
	case ledger.Dropped:
		return "dropped"
	case ledger.Half:
		return "half"
	case ledger.Refused:
		return "refused"
	}
	return "state-" + strconv.Itoa(int(s))
}

// A Finding is what a certificate that holds says.
type Finding struct {
	Certificate
	Key  string // that signed it
	Text string // the signed part, for people
}

func broken(format string, args ...any) error {
	return connector.Errorf(connector.Permanent, "certificate: "+format, args...).WithHint("do not trust it; ask the service for another one")
}

// Limits of what is read: a file may come from anywhere.
const (
	mostHead = 1 << 20
	mostRow  = 64 << 10
)

// Check reads a certificate and reports whether it holds: that it is signed by the key, the
// service's, or without one by the key that it names itself; and that its rows, all of them
// and in their order, are what was signed. It needs no database and no network.
func Check(r io.Reader, key string) (*Finding, error) {
	in := bufio.NewReaderSize(r, mostRow)
	signed, own, err := readHead(in)
	if err != nil {
		return nil, err
	}
	if key == "" {
		key = own
	}
	verifier, err := note.NewVerifier(key)
	if err != nil || verifier.Name() != keyName {
		return nil, broken("the key is none of certificates")
	}
	n, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil || len(n.Sigs) != 1 || len(n.UnverifiedSigs) != 0 {
		return nil, broken("it is not signed by the key %s", key)
	}
	// Base64 leaves some bits to the writer; there is one way to write a certificate.
	raw, err := base64.StdEncoding.DecodeString(n.Sigs[0].Base64)
	if err != nil || string(signed) != fmt.Sprintf("%s\n— %s %s\n", n.Text, n.Sigs[0].Name, base64.StdEncoding.EncodeToString(raw)) {
		return nil, broken("it is not written as certificates are")
	}
	c, err := parse(n.Text)
	if err != nil {
		return nil, err
	}
	items := map[string]int64{}
	var t tree
	for {
		line, err := in.ReadSlice('\n')
		if errors.Is(err, io.EOF) && len(line) == 0 {
			break
		}
		if err != nil {
			return nil, broken("row %d does not end", t.size+1)
		}
		line = bytes.TrimSuffix(line, []byte("\n"))
		what, err := counted(string(line))
		if err != nil {
			return nil, broken("row %d cannot be read", t.size+1)
		}
		items[what]++
		t.add(line)
	}
	switch {
	case t.size != c.Size:
		return nil, broken("it was signed for %d rows and has %d", c.Size, t.size)
	case t.root() != c.Root:
		return nil, broken("its rows are not those that it was signed for")
	case !maps.Equal(items, c.Items):
		return nil, broken("its counts are not those of its rows")
	}
	return &Finding{c, key, n.Text}, nil
}

// readHead reads up to the rows: the signed part, and the key that the file names.
func readHead(in *bufio.Reader) (signed []byte, key string, err error) {
	var head bytes.Buffer
	for {
		line, err := in.ReadSlice('\n')
		if err != nil || head.Len() > mostHead {
			return nil, "", broken("it is no certificate, or not all of one")
		}
		if string(line) == rowsLine+"\n" {
			break
		}
		head.Write(line)
	}
	text := head.String()
	at := strings.LastIndex(text, "\nkey: ")
	if at < 0 || !strings.HasPrefix(text, firstLine+"\n") || !strings.HasSuffix(text, "\n") {
		return nil, "", broken("it is no certificate")
	}
	return []byte(text[:at]), strings.TrimSuffix(text[at+len("\nkey: "):], "\n"), nil
}

// counted is what a row counts as: "task made".
func counted(line string) (string, error) {
	rest := line
	var refs [3]string
	for i := range refs {
		quoted, err := strconv.QuotedPrefix(rest)
		if err != nil || !strings.HasPrefix(rest[len(quoted):], " ") {
			return "", errors.New("a row")
		}
		if refs[i], err = strconv.Unquote(quoted); err != nil {
			return "", err
		}
		rest = rest[len(quoted)+1:]
	}
	fields := strings.Split(rest, " ")
	kind, _, ok := strings.Cut(refs[0], ":")
	if len(fields) != 3 || !ok {
		return "", errors.New("a row")
	}
	return kind + " " + fields[0], nil
}

// parse reads the signed part.
func parse(text string) (c Certificate, err error) {
	c.Items = map[string]int64{}
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	bad := error(nil)
	quoted := func(to *string, s string) { *to, err = strconv.Unquote(s); bad = errors.Join(bad, err) }
	number := func(to *int64, s string) { *to, err = strconv.ParseInt(s, 10, 64); bad = errors.Join(bad, err) }
	when := func(to *time.Time, s string) { *to, err = time.Parse(time.RFC3339, s); bad = errors.Join(bad, err) }
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ": ")
		var n int64
		switch name {
		case "organisation":
			quoted(&c.Organisation, value)
		case "migration":
			quoted(&c.Migration, value)
		case "program":
			quoted(&c.Program, value)
		case "from":
			quoted(&c.From, value)
		case "to":
			quoted(&c.To, value)
		case "made":
			when(&c.Made, value)
		case "first":
			when(&c.First, value)
		case "last":
			when(&c.Last, value)
		case "passes":
			number(&n, value)
			c.Passes = int(n)
		case "items":
			at := strings.LastIndexByte(value, ' ')
			if at < 0 {
				return c, broken("it is not written as certificates are")
			}
			number(&n, value[at+1:])
			c.Items[value[:at]] = n
		case "failed":
			number(&c.Failed, value)
		case "bytes":
			number(&c.Bytes, value)
		case "rows":
			number(&c.Size, value)
		case "root":
			c.Root, err = tlog.ParseHash(value)
			bad = errors.Join(bad, err)
		}
	}
	if bad != nil || c.text() != text {
		return c, broken("it is not written as certificates are")
	}
	return c, nil
}

// A tree is a Merkle tree of which only the right edge is kept: the roots of its
// complete subtrees, the largest first.
type tree struct {
	size int64
	edge []tlog.Hash
}

func (t *tree) add(record []byte) {
	h := tlog.RecordHash(record)
	for n := t.size; n&1 == 1; n >>= 1 {
		h = tlog.NodeHash(t.edge[len(t.edge)-1], h)
		t.edge = t.edge[:len(t.edge)-1]
	}
	t.edge = append(t.edge, h)
	t.size++
}

func (t *tree) root() tlog.Hash {
	if t.size == 0 {
		h, _ := tlog.TreeHash(0, nil) // of nothing, without an error
		return h
	}
	h := t.edge[len(t.edge)-1]
	for i := len(t.edge) - 2; i >= 0; i-- {
		h = tlog.NodeHash(t.edge[i], h)
	}
	return h
}
