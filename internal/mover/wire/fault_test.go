package wire

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connector"
)

func TestFaultsCross(t *testing.T) {
	classed := &connector.Error{Class: connector.Throttled, Reason: "GET /x: 429", Hint: "wait", InDoubt: true, RetryAfter: 3 * time.Second}
	for _, c := range []struct {
		name string
		err  error
		is   []error
		not  []error
	}{
		{name: "plain", err: errors.New("no such pass"), not: []error{context.Canceled, fs.ErrNotExist}},
		{name: "with a class", err: classed},
		{name: "with a class, wrapped", err: fmt.Errorf("shard 7: %w", classed)},
		{name: "with a class and a cause", err: &connector.Error{Class: connector.Transient, Reason: "stopped", Err: context.Canceled}, is: []error{context.Canceled}},
		{name: "canceled", err: context.Canceled, is: []error{context.Canceled}, not: []error{context.DeadlineExceeded}},
		{name: "late", err: fmt.Errorf("looking up: %w", context.DeadlineExceeded), is: []error{context.DeadlineExceeded}},
		{name: "not there", err: &fs.PathError{Op: "open", Path: "x", Err: fs.ErrNotExist}, is: []error{fs.ErrNotExist}},
		{name: "unknown host", err: &net.DNSError{Err: "no such host", Name: "example.com", IsNotFound: true}},
		{name: "empty", err: errors.New("")},
	} {
		t.Run(c.name, func(t *testing.T) {
			var a, b Answer[string]
			a.Set("value", c.err)
			through(t, a, &b)
			got := b.Fault.Err()
			if got == nil || b.Value != "value" {
				t.Fatalf("%v, %q", got, b.Value)
			}
			for _, is := range c.is {
				if !errors.Is(got, is) {
					t.Errorf("%v is no longer %v", got, is)
				}
			}
			for _, not := range c.not {
				if errors.Is(got, not) {
					t.Errorf("%v has become %v", got, not)
				}
			}
			want, had := errors.AsType[*connector.Error](c.err)
			e, has := errors.AsType[*connector.Error](got)
			if had != has || had && (e.Class != want.Class || e.Reason != want.Reason || e.Hint != want.Hint || e.InDoubt != want.InDoubt || e.RetryAfter != want.RetryAfter) {
				t.Errorf("%#v became %#v", want, e)
			}
			wantDNS, had := errors.AsType[*net.DNSError](c.err)
			dns, has := errors.AsType[*net.DNSError](got)
			if had != has || had && (dns.Name != wantDNS.Name || dns.IsNotFound != wantDNS.IsNotFound) {
				t.Errorf("%#v became %#v", wantDNS, dns)
			}
			if got.Error() != c.err.Error() {
				t.Errorf("%q became %q", c.err, got)
			}
			// And it crosses a second time as it did the first.
			if twice := NewFault(got).Err(); twice.Error() != got.Error() || connector.ClassOf(twice) != connector.ClassOf(got) {
				t.Errorf("the second time %q", twice)
			}
		})
	}
	var d, e Done
	d.Set(nil)
	through(t, d, &e)
	if e.Fault.Err() != nil {
		t.Error("no error became one")
	}
}
