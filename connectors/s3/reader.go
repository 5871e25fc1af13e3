package s3

import (
	"context"
	"iter"
	"strings"
	"sync"

	"github.com/rialto-migrate/rialto/connector"
)

const (
	// mostHeld is how many bytes of pages wait at most until they are worked off, about
	// thirty pages of a thousand objects.
	mostHeld = 4 << 20
	// stretchPages is how many pages a stretch is to have: its last one holds what the
	// next begins with, and is half lost.
	stretchPages = 12
	// stretchesAtOnce is how many stretches are read side by side; how many the server
	// bears is for the pacer to find.
	stretchesAtOnce = 8
	// splitAfter is after how many pages a listing is split: a small bucket costs not one
	// request more.
	splitAfter = 4
)

// A reader lists a bucket's keys in their order, several stretches of them side by side
// where there are folders to part them by. A page tells where the next one begins, so
// that one stretch alone can be read only as fast as pages come, one after the other.
//
// A stretch begins after a key that need not be there (start-after,
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html). The one before
// goes on until a page reaches beyond that key, and what lies there must be what the next
// one began with. If it is not, or the server refuses (directory buckets know no order),
// the rest is read in one.
type reader struct {
	c      *cloud
	ctx    context.Context
	bucket string
	prefix string

	mu     sync.Mutex
	moved  *sync.Cond // when a page came or was taken
	chains sync.WaitGroup
	head   *stretch
	held   int  // bytes of pages that came and were not taken
	whole  bool // it is not split any more
}

// A stretch is a row of pages that are read one after the other.
type stretch struct {
	ask   listing  // what comes next
	from  string   // the key that it begins after; "" for the first
	until string   // the key after which the next stretch begins; "" if there is none
	after *stretch // the next one
	split int      // it is split when so many pages came

	read        int     // pages
	first, last string  // keys
	recent      []entry // of the page that came last
	pages       []page  // that were not taken
	over        bool    // no more pages come
	err         error   // why
	begun       bool
	stop        context.CancelFunc
}

// pages yields the pages of a bucket in the order of their keys. Their next is a cursor.
func (c *cloud) pages(ctx context.Context, bucket string, l listing) iter.Seq2[page, error] {
	return func(yield func(page, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		r := &reader{c: c, ctx: ctx, bucket: bucket, prefix: l.prefix, head: &stretch{ask: l, split: splitAfter}}
		r.moved = sync.NewCond(&r.mu)
		defer r.chains.Wait()
		defer cancel()
		defer context.AfterFunc(ctx, func() {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.moved.Broadcast()
		})()
		for {
			p, err := r.take()
			if !yield(p, err) || err != nil || p.next == "" {
				return
			}
		}
	}
}

// take returns the next page.
func (r *reader) take() (page, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.begin()
	s := r.head
	for len(s.pages) == 0 && !s.over && r.ctx.Err() == nil {
		r.moved.Wait()
	}
	if err := context.Cause(r.ctx); err != nil && len(s.pages) == 0 {
		return page{}, err
	}
	if len(s.pages) == 0 {
		return page{}, s.err
	}
	p := s.pages[0]
	if s.over && len(s.pages) == 1 && s.err == nil && s.after != nil {
		p = r.pass(s, p)
	} else if p.next != "" {
		p.next = listing{token: p.next}.cursor()
	}
	s.pages = s.pages[1:]
	r.held -= weight(p)
	r.begin()
	r.moved.Broadcast()
	return p, nil
}

// pass goes over to the next stretch with the last page of one, and returns what of that
// is the stretch's. Where the two do not meet, the first goes on.
func (r *reader) pass(s *stretch, p page) page {
	next := s.after
	for len(next.pages) == 0 && !next.over && r.ctx.Err() == nil {
		r.moved.Wait()
	}
	own := 0
	for own < len(p.entries) && p.entries[own].key <= s.until {
		own++
	}
	if len(next.pages) > 0 && meet(p.entries[own:], next.pages[0].entries) {
		for _, lost := range p.entries[own:] {
			r.held -= weigh(lost)
		}
		r.head = next
		p.entries, p.next = p.entries[:own], listing{after: s.until}.cursor()
		return p
	}
	r.whole = true
	for ; next != nil; next = next.after {
		next.over = true
		if next.stop != nil {
			next.stop()
		}
		for _, p := range next.pages {
			r.held -= weight(p)
		}
		next.pages = nil
	}
	s.after, s.until = nil, ""
	if p.next != "" {
		s.over, s.begun = false, false
		p.next = listing{token: p.next}.cursor()
	}
	return p
}

// meet reports whether a stretch begins with what the one before reached beyond its end.
func meet(beyond, begins []entry) bool {
	if len(beyond) == 0 && len(begins) > 0 { // that was all of the bucket
		return false
	}
	for i := range min(len(beyond), len(begins)) {
		if beyond[i].key != begins[i].key {
			return false
		}
	}
	return len(beyond) == 0 || len(begins) > 0
}

// begin reads the first of the stretches, if they are not read yet.
func (r *reader) begin() {
	n := 0
	for s := r.head; s != nil && n < stretchesAtOnce; s = s.after {
		n++
		if s.begun {
			continue
		}
		s.begun = true
		ctx, stop := context.WithCancel(r.ctx)
		s.stop = stop
		r.chains.Go(func() {
			defer stop()
			r.read(ctx, s)
		})
	}
}

// read reads a stretch to its end.
func (r *reader) read(ctx context.Context, s *stretch) {
	for r.room(ctx, s) {
		if r.splits(s) {
			r.part(ctx, s)
		}
		p, err := r.c.page(ctx, r.bucket, s.ask)
		if !r.came(s, p, err) {
			return
		}
	}
}

// room waits until there is room for another page of a stretch. That which is taken from
// next always has.
func (r *reader) room(ctx context.Context, s *stretch) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for ctx.Err() == nil && r.held >= mostHeld && !(len(s.pages) == 0 && (s == r.head || s == r.head.after)) {
		r.moved.Wait()
	}
	return ctx.Err() == nil
}

// came takes in a page of a stretch, and reports whether another one is to come.
func (r *reader) came(s *stretch, p page, err error) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	defer r.moved.Broadcast()
	if s.over { // it was given up
		return false
	}
	if err == nil && len(p.entries) > 0 && len(s.recent) > 0 && p.entries[0].key == s.recent[0].key {
		err = connector.Errorf(connector.Malformed, "GET {bucket}: the listing repeats itself")
	}
	if err != nil {
		s.over, s.err = true, err
		return false
	}
	if len(p.entries) > 0 {
		if p.entries[0].key <= max(s.from, s.last) { // the server knows no order, or not this way to begin
			r.whole = true
			if s.from != "" && s.recent == nil {
				s.over = true
				return false
			}
		}
		if s.recent == nil {
			s.first = p.entries[0].key
		}
		s.last, s.recent = p.entries[len(p.entries)-1].key, p.entries
	}
	s.read++
	s.pages = append(s.pages, p)
	r.held += weight(p)
	s.ask.token, s.ask.after = p.next, ""
	s.over = p.next == "" || s.until != "" && s.last > s.until
	return !s.over
}

func (r *reader) splits(s *stretch) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.whole && s.read >= s.split && len(s.recent) > 0
}

// part looks for folders behind what was read of a stretch, and parts the rest of it by
// them. They lie beside those that were read.
func (r *reader) part(ctx context.Context, s *stretch) {
	above := r.prefix + commonFolder(s.first[len(r.prefix):], s.last[len(r.prefix):])
	p, err := r.c.page(ctx, r.bucket, listing{prefix: above, after: s.last, folders: true})
	r.mu.Lock()
	defer r.mu.Unlock()
	s.split *= 4
	if err != nil || r.whole {
		r.whole = true
		return
	}
	for _, begins := range s.borders(above, p) {
		s.after = &stretch{ask: listing{prefix: r.prefix, after: begins}, from: begins, until: s.until, after: s.after, split: 2 * stretchPages}
		s.until = begins
		s = s.after
	}
	r.begin()
}

// borders are the keys after which further stretches begin, given the folders that come.
func (s *stretch) borders(above string, come page) (out []string) {
	each := stretchPages * foldersIn(above, s.recent) // as many as the last page had are a page
	if each == stretchPages {
		each = max(2*stretchPages/s.read, 1) // all of them had two, or little more
	}
	if n := len(come.folders); come.next != "" && n < 2*each { // there are more of them than were told
		each = max(n-1, each/3, 1)
	}
	for i := each; i < len(come.folders); i += each {
		begins := strings.TrimSuffix(come.folders[i], "/") + "." // the last sign before the slash
		if begins > s.last && (s.until == "" || begins < s.until) && (come.next != "" || i+each/2 < len(come.folders)) {
			out = append(out, begins)
		}
	}
	return out
}

// foldersIn counts the folders right below one that entries lie in.
func foldersIn(above string, entries []entry) int {
	n, at := 0, ""
	for _, e := range entries {
		rest, in := strings.CutPrefix(e.key, above)
		name, _, deeper := strings.Cut(rest, "/")
		if in && deeper && (n == 0 || name != at) {
			n, at = n+1, name
		}
	}
	return max(n, 1)
}

// commonFolder is the folder that two keys lie in, with the slash at its end.
func commonFolder(a, b string) string {
	n := 0
	for i := 0; i < min(len(a), len(b)) && a[i] == b[i]; i++ {
		if a[i] == '/' {
			n = i + 1
		}
	}
	return a[:n]
}

// weight is about how many bytes a page takes.
func weight(p page) (n int) {
	for _, e := range p.entries {
		n += weigh(e)
	}
	return n
}

func weigh(e entry) int { return 80 + len(e.key) + len(e.etag) }
